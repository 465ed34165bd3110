{#- Network identifiers that the records in scope carry themselves; an fbc tells the time of its click. -#}
{%- set accepted = record_identifiers() | select('in', accepted_identifiers()) | list -%}

with carrying as (
    {%- for entity in source_ids() %}
    select
        records.conversion_key,
        {%- for identifier in accepted %}
        carriers.{{ identifier }},
        {%- endfor %}
        records.attribution_at
    from {{ ref('stg_' ~ entity) }} as carriers
    inner join {{ ref('int_records') }} as records
        on
            carriers.seen = records.identity_seen
            and carriers.file_row = records.identity_file_row
            and records.source_entity = '{{ entity }}'
    where
        coalesce(
            {% for identifier in accepted %}carriers.{{ identifier }}, {% endfor %}null
        ) is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

final as (
    {%- for identifier in accepted %}
    select
        conversion_key,
        '{{ identifier }}' as identifier,
        {{ identifier }} as identifier_value,
        {{ instant_in_fbc('fbc') if identifier == 'fbc' else 'cast(null as timestamp with time zone)' }} as named_at
    from carrying
    where {{ identifier }} is not null
    union all
    {%- endfor %}
    select
        conversion_key,
        cast(null as varchar) as identifier,
        cast(null as varchar) as identifier_value,
        cast(null as timestamp with time zone) as named_at
    from carrying
    where false
)

select * from final
