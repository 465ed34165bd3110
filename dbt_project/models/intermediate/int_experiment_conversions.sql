{{ config(tags=['measure'], materialized='table') }}

-- Conversions of experiments' units, with what the platform knows of each. Amounts are in the currency of most of the
-- experiment's conversions; those in another one count, and their amounts do not.
with accepted as (
    select
        destination,
        conversion_key,
        max(case when is_accepted then 1 else 0 end) = 1 as is_accepted
    from {{ ref('deliveries') }}
    group by 1, 2
),

decided as (
    select
        decisions.experiment,
        decisions.experiment_unit,
        decisions.destination,
        decisions.event_name,
        decisions.conversion_key,
        case when decisions.is_held_out then 'held_out' else 'told' end as experiment_group,
        decisions.source_currency as currency,
        decisions.net_value,
        conversions.status in ('qualified', 'partly_reversed') as is_counted,
        -- The hold must be over in both groups, or the told one would look as if less were known of it.
        decisions.is_comparable and decisions.eligible_at <= context.as_of as is_comparable,
        coalesce(accepted.is_accepted, false) as is_accepted,
        decisions.is_pixel_reported,
        decisions.occurred_on,
        decisions.action_at
    from {{ ref('int_decisions') }} as decisions
    cross join {{ ref('stg_build_context') }} as context
    inner join {{ ref('conversions') }} as conversions on decisions.conversion_key = conversions.conversion_key
    left join accepted
        on
            decisions.conversion_key = accepted.conversion_key
            and decisions.destination = accepted.destination
    where decisions.experiment is not null
),

counted as (
    select
        experiment,
        currency,
        count(*) as conversions
    from decided
    where currency is not null
    group by 1, 2
),

currencies as (
    select
        experiment,
        currency,
        row_number() over (partition by experiment order by conversions desc, currency asc) as pick
    from counted
)

select
    decided.experiment,
    decided.experiment_unit,
    decided.destination,
    decided.event_name,
    decided.conversion_key,
    decided.experiment_group,
    currencies.currency,
    case when decided.currency = currencies.currency then decided.net_value else 0 end as net_value,
    coalesce(decided.currency <> currencies.currency, false) as is_other_currency,
    decided.is_counted,
    decided.is_comparable,
    decided.is_accepted,
    decided.is_accepted or decided.is_pixel_reported as is_known,
    row_number() over (
        partition by decided.experiment, decided.experiment_unit
        order by decided.is_comparable desc, decided.action_at asc, decided.conversion_key asc
    ) = 1 and decided.is_comparable as is_entry,
    decided.occurred_on,
    decided.action_at
from decided
left join currencies
    on
        decided.experiment = currencies.experiment
        and currencies.pick = 1
