with final as (
    select coalesce(now.event_name, built.event_name) as event_name
    from {{ ref('int_event_rules') }} as now
    full outer join {{ source('raw', 'built_rules') }} as built on now.event_name = built.event_name
    where now.fingerprint is distinct from built.fingerprint
)

select * from final
