{#-
    For receivers that say by which attributes of a person they match: conversions that carry some of them, and whether any
    is usable.
-#}
{%- set attributes = matching_attributes() -%}
{%- if not attributes %}
select
    cast(null as varchar) as conversion_key,
    cast(null as varchar) as destination,
    cast(null as boolean) as is_usable
where false
{%- else %}
with matching as (
    select
        routes.event_name,
        routes.destination,
        declared.attribute
    from {{ ref('stg_routes') }} as routes
    inner join {{ ref('stg_destination_person_attributes') }} as declared on routes.destination = declared.destination
    where routes.match_on <> 'click'
),

persons as (
    {%- for entity in source_ids() %}
    select
        records.conversion_key,
        {%- for attribute in attributes %}
        carriers.{{ attribute }},
        {%- endfor %}
        records.event_name
    from {{ ref('int_records') }} as records
    inner join {{ ref('stg_' ~ entity) }} as carriers
        on
            records.identity_seen = carriers.seen
            and records.identity_file_row = carriers.file_row
            and records.source_entity = '{{ entity }}'
    where records.event_name in (select event_name from matching)
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

carried as (
    {%- for attribute in attributes %}
    select
        conversion_key,
        event_name,
        '{{ attribute }}' as attribute,
        {{ is_usable_attribute(attribute, attribute) }} as is_usable
    from persons
    where {{ attribute }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

final as (
    select
        carried.conversion_key,
        matching.destination,
        max(case when carried.is_usable then 1 else 0 end) = 1 as is_usable
    from carried
    inner join matching
        on
            carried.event_name = matching.event_name
            and carried.attribute = matching.attribute
    group by 1, 2
)

select * from final
{%- endif %}
