-- The region on the record behind each conversion in scope, by its own spelling in lower case.
with refs as (
    select
        conversion_key,
        source_entity,
        identity_seen,
        identity_file_row
    from {{ ref('int_records') }}
    -- Nothing is looked up where no experiment is by region.
    where exists (select 1 from {{ ref('stg_experiment_regions') }})
),

final as (
    {%- for entity in source_ids() %}
    select
        refs.conversion_key,
        lower(trim(places.region)) as region
    from refs
    inner join {{ ref('stg_' ~ entity) }} as places
        on
            refs.identity_seen = places.seen
            and refs.identity_file_row = places.file_row
            and refs.source_entity = '{{ entity }}'
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from final
where region is not null
