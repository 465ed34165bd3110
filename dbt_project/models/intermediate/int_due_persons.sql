{#- What the records behind due postbacks tell of the person. Read only here, on the way to the rendered postback. -#}
with due as (
    select distinct conversion_key
    from {{ ref('int_decisions') }}
    where is_due and decision in ('report', 'retract') and not is_keys_only
),

refs as (
    select
        records.conversion_key,
        records.source_entity,
        records.identity_seen,
        records.identity_file_row
    from {{ ref('int_records') }} as records
    inner join due on records.conversion_key = due.conversion_key
),

final as (
    {%- for entity in source_ids() %}
    select
        refs.conversion_key,
        {{ json_columns(person_attributes(), 'persons') }} as person
    from refs
    inner join {{ ref('stg_' ~ entity) }} as persons
        on
            refs.identity_seen = persons.seen
            and refs.identity_file_row = persons.file_row
            and refs.source_entity = '{{ entity }}'
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from final
