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

repeated as (
    select click_id
    from {{ ref('stg_clicks') }}
    where {{ number_of('click_id') }} in (select click_number from suspected)
    group by 1
    having count(*) > 1
),

ranked as (
    select
        clicks.click_id,
        clicks.seen,
        clicks.file_row,
        row_number() over (
            partition by clicks.click_id order by clicks.seen desc, clicks.row_hash desc, clicks.file_row desc
        ) as version_rank
    from {{ ref('stg_clicks') }} as clicks
    inner join repeated on clicks.click_id = repeated.click_id
)

select
    click_id,
    seen,
    file_row
from ranked
where version_rank = 1
