-- What the regions of geo experiments brought, per day, from as long before the start as the experiment lasts.
with experiments as (
    select
        experiments.*,
        {{ before_start('experiments') }} as watched_from
    from {{ ref('stg_experiments') }} as experiments
    where experiments.unit = 'region'
),

firsts as (
    {{ first_records(scoped=false) }}
),

placed as (
    select
        conversions.conversion_key,
        firsts.region
    from {{ ref('conversions') }} as conversions
    inner join firsts
        on
            conversions.source_entity = firsts.source_entity
            and conversions.source_id = firsts.source_id
    where conversions.action_at >= (select min(watched_from) from experiments)
),

known as (
    select
        decisions.destination,
        decisions.conversion_key,
        decisions.is_pixel_reported
        or coalesce(max(case when deliveries.is_accepted then 1 else 0 end) = 1, false) as is_known
    from {{ ref('int_decisions') }} as decisions
    inner join experiments on decisions.destination = experiments.destination
    left join {{ ref('deliveries') }} as deliveries
        on
            decisions.conversion_key = deliveries.conversion_key
            and decisions.destination = deliveries.destination
    group by decisions.destination, decisions.conversion_key, decisions.is_pixel_reported
)

select
    experiments.experiment,
    regions.pair,
    regions.region,
    case when regions.is_held_out then 'held_out' else 'told' end as experiment_group,
    conversions.currency,
    {{ utc_date('conversions.action_at') }} as acted_on,
    conversions.action_at >= experiments.start_at as is_during,
    count(*) as conversions,
    cast(sum(conversions.net_value) as decimal(18, 4)) as value,
    cast(sum(case when known.is_known then 1 else 0 end) as bigint) as known_conversions,
    cast(sum(case when known.is_known then conversions.net_value else 0 end) as decimal(18, 4)) as known_value
from experiments
inner join {{ ref('stg_experiment_regions') }} as regions on experiments.experiment = regions.experiment
inner join placed on regions.region = placed.region
inner join {{ ref('conversions') }} as conversions
    on
        placed.conversion_key = conversions.conversion_key
        and coalesce(experiments.event_name, conversions.event_name) = conversions.event_name
        and experiments.watched_from <= conversions.action_at
        and experiments.end_at > conversions.action_at
inner join known
    on
        conversions.conversion_key = known.conversion_key
        and experiments.destination = known.destination
where conversions.status in ('qualified', 'partly_reversed')
group by
    experiments.experiment,
    regions.pair,
    regions.region,
    regions.is_held_out,
    conversions.currency,
    {{ utc_date('conversions.action_at') }},
    conversions.action_at >= experiments.start_at
