-- A unit enters with its first comparable conversion: until then both groups were treated alike.
with entries as (
    select * from {{ ref('int_experiment_conversions') }}
    where is_entry
),

summed as (
    select
        entries.experiment,
        entries.experiment_unit,
        sum(case when conversions.is_comparable then 1 else 0 end) as conversions,
        sum(case when conversions.is_comparable then conversions.net_value else 0 end) as value,
        sum(case when conversions.is_comparable and conversions.is_known then 1 else 0 end) as known_conversions,
        sum(case when conversions.is_comparable and conversions.is_known then conversions.net_value else 0 end)
            as known_value,
        sum(case when conversions.is_accepted then 1 else 0 end) as accepted_conversions,
        sum(case when conversions.is_other_currency then 1 else 0 end) as other_currency_conversions,
        -- What comes after the entry is what telling may have moved: whatever counts, by whichever channel.
        sum(case when conversions.is_counted and not conversions.is_entry then 1 else 0 end) as later_conversions,
        sum(case when conversions.is_counted and not conversions.is_entry then conversions.net_value else 0 end)
            as later_value
    from entries
    inner join {{ ref('int_experiment_conversions') }} as conversions
        on
            entries.experiment = conversions.experiment
            and entries.experiment_unit = conversions.experiment_unit
            and entries.action_at <= conversions.action_at
    group by 1, 2
),

-- As long a time before the start as the experiment lasts: persons are known then, conversions and regions are not.
before as (
    select
        experiments.experiment,
        {{ experiment_unit('experiments.salt', "'user:' || conversions.user_id") }} as experiment_unit,
        count(*) as conversions_before,
        sum(conversions.net_value) as value_before
    from {{ ref('conversions') }} as conversions
    inner join {{ ref('stg_routes') }} as routes on conversions.event_name = routes.event_name
    inner join {{ ref('stg_experiments') }} as experiments
        on
            routes.destination = experiments.destination
            and coalesce(experiments.event_name, conversions.event_name) = conversions.event_name
            and conversions.action_at < experiments.start_at
            and conversions.action_at >= {{ before_start('experiments') }}
    where
        experiments.unit = 'user'
        and conversions.user_id is not null
        and conversions.status in ('qualified', 'partly_reversed')
    group by 1, 2
)

select
    entries.experiment,
    entries.experiment_unit,
    entries.experiment_group,
    entries.destination,
    entries.currency,
    entries.occurred_on as entered_on,
    cast(summed.conversions as bigint) as conversions,
    cast(summed.value as decimal(18, 4)) as value,
    cast(summed.known_conversions as bigint) as known_conversions,
    cast(summed.known_value as decimal(18, 4)) as known_value,
    cast(summed.accepted_conversions as bigint) as accepted_conversions,
    cast(summed.other_currency_conversions as bigint) as other_currency_conversions,
    cast(summed.later_conversions as bigint) as later_conversions,
    cast(summed.later_value as decimal(18, 4)) as later_value,
    entries.net_value as entry_value,
    coalesce(before.conversions_before, 0) as conversions_before,
    cast(coalesce(before.value_before, 0) as decimal(18, 4)) as value_before
from entries
inner join summed
    on
        entries.experiment = summed.experiment
        and entries.experiment_unit = summed.experiment_unit
left join before
    on
        entries.experiment = before.experiment
        and entries.experiment_unit = before.experiment_unit
