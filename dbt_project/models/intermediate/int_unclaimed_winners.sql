-- Whether a route would win the conversion in its group if none had been told yet, for conversions of experiments: what
-- was told keeps its route whatever click comes later, and what is held out has nothing to keep it by.
with candidates as (
    select * from {{ ref('int_attribution_candidates') }}
    where
        scope <> 'network'
        and is_usable
        and conversion_key in (select conversion_key from {{ ref('int_experiment_assignments') }})
),

ranked as (
    select
        *,
        row_number() over (partition by conversion_key, destination order by {{ attribution_rule() }}) as pick
    from candidates
),

final as (
    select
        conversion_key,
        destination,
        row_number() over (partition by conversion_key, scope order by {{ attribution_rule() }}, destination) = 1
            as is_winner
    from ranked
    -- A route that is not in force then takes nothing from the others.
    where pick = 1 and is_in_force
)

select * from final
