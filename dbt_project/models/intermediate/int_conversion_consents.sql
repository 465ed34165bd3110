{%- set purposes = ['ad_user_data', 'ad_personalization', 'analytics'] -%}

with newest as (
    select
        *,
        row_number() over (
            partition by subject_type, subject_id, purpose
            order by recorded_at desc, seen desc, row_hash desc
        ) as recency
    from {{ ref('stg_consents') }}
),

matched as (
    {%- for subject in ['user', 'session'] %}
    select
        conversions.conversion_key,
        newest.purpose,
        newest.state,
        newest.recorded_at
    from {{ ref('int_order_conversions') }} as conversions
    inner join newest
        on
            conversions.{{ subject }}_id = newest.subject_id
            and newest.subject_type = '{{ subject }}'
            and newest.recency = 1
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- Between user and session a denial holds: 'denied' sorts before 'granted'.
final as (
    select
        conversion_key,
        {%- for purpose in purposes %}
        min(case purpose when '{{ purpose }}' then state end) as {{ purpose }},
        {%- endfor %}
        max(recorded_at) as recorded_at
    from matched
    group by 1
)

select * from final
