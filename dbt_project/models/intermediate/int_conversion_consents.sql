{%- set purposes = consent_purposes() -%}

-- Per conversion, purpose and subject: the record in force when the person acted, and the newest one.
with matched as (
    {%- for subject in ['user', 'session'] %}
    select
        records.conversion_key,
        records.action_at,
        consents.subject_type,
        consents.purpose,
        consents.state,
        consents.version,
        consents.recorded_at,
        consents.seen,
        consents.row_hash
    from {{ ref('stg_consents') }} as consents
    inner join {{ ref('int_records') }} as records
        on
            consents.subject_id = records.{{ subject }}_id
            and consents.subject_type = '{{ subject }}'
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

ranked as (
    select
        *,
        row_number() over (
            partition by conversion_key, purpose, subject_type
            order by recorded_at desc, seen desc, row_hash desc
        ) as recency,
        row_number() over (
            partition by conversion_key, purpose, subject_type
            order by case when recorded_at <= action_at then 0 else 1 end, recorded_at desc, seen desc, row_hash desc
        ) as recency_at_action
    from matched
),

-- The newest denial wins between user and session, and so does one that was in force when the person acted: consent
-- given later does not reach back. 'denied' sorts before 'granted'.
decisive as (
    select
        *,
        row_number() over (
            partition by conversion_key, purpose
            order by state asc, recorded_at desc, subject_type desc
        ) as pick
    from ranked
    where recency = 1 or (recency_at_action = 1 and recorded_at <= action_at)
),

final as (
    select
        conversion_key,
    {%- for purpose in purposes %}
    max(case when purpose = '{{ purpose }}' then state end) as {{ purpose }},
    max(case when purpose = '{{ purpose }}' then {{ one_text(['subject_type', 'version', 'recorded_at']) }} end)
        as {{ purpose }}_record{{ ',' if not loop.last }}
    {%- endfor %}
    from decisive
    where pick = 1
    group by 1
)

select * from final
