{{ config(
    materialized='incremental', incremental_strategy='replace_changed', on_schema_change='fail',
    replaces='click_id', changed='int_changed_clicks'
) }}

-- Click ids that several rows name, with the row that holds: the one seen last.
with suspected as (
    -- Numbers are counted faster than texts; two ids of one number are told apart below.
    select {{ number_of('click_id') }} as click_number
    from {{ ref('stg_clicks') }}
    {%- if not builds_everything() %}
    where click_id in (select click_id from {{ ref('int_changed_clicks') }})
    {%- endif %}
    group by 1
    having count(*) > 1
),

ranked as (
    select
        click_id,
        seen,
        file_row,
        row_number() over (
            partition by click_id order by seen desc, row_hash desc, file_row desc
        ) as version_rank,
        count(*) over (partition by click_id) as versions
    from {{ ref('stg_clicks') }}
    where {{ number_of('click_id') }} in (select click_number from suspected)
)

select
    click_id,
    seen,
    file_row
from ranked
where version_rank = 1 and versions > 1
