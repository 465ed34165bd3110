with rows_per_click as (
    select
        *,
        row_number() over (partition by click_id order by seen desc, row_hash desc) as row_rank
    from {{ ref('stg_clicks') }}
)

select * from rows_per_click
where row_rank = 1
