-- Every day from the first conversion or expense to the build: what charts, and the metrics of dbt, count along.
with firsts as (
    select min(occurred_on) as day
    from {{ ref('conversions') }}
    union all
    select min(spent_on) as day
    from {{ ref('stg_ad_spend') }}
),

bounds as (
    select
        min(day) as first_day,
        (select {{ utc_date('as_of') }} from {{ ref('stg_build_context') }}) as last_day
    from firsts
)

select {{ days_from_to('first_day', 'last_day') }} as day
from bounds
