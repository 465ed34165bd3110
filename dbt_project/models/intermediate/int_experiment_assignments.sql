-- Conversions that an experiment of a destination is about, each with its unit and its group. At most one experiment
-- concerns a conversion at a destination: overlapping ones are refused when definitions are read. Person and region are
-- those of the record's first version, so that no later one moves a conversion to the other group.
with experiments as (
    select * from {{ ref('stg_experiments') }}
),

hashed as (
    select
        conversions.conversion_key,
        experiments.destination,
        experiments.experiment,
        experiments.held_below,
        {{ experiment_unit(
            'experiments.salt',
            "case when experiments.unit = 'user' and firsts.user_id is not null"
            ~ " then 'user:' || firsts.user_id else 'conversion:' || conversions.conversion_key end"
        ) }} as experiment_unit
    from {{ ref('conversions') }} as conversions
    inner join {{ ref('int_first_records') }} as firsts
        on
            conversions.source_entity = firsts.source_entity
            and conversions.source_id = firsts.source_id
    inner join experiments
        on
            conversions.action_at >= experiments.start_at
            and conversions.action_at < experiments.end_at
            and experiments.unit <> 'region'
            and coalesce(experiments.event_name, conversions.event_name) = conversions.event_name
    where {{ key_in_scope('conversions.conversion_key') }}
),

regional as (
    select
        conversions.conversion_key,
        experiments.destination,
        experiments.experiment,
        regions.region as experiment_unit,
        regions.is_held_out
    from {{ ref('conversions') }} as conversions
    inner join {{ ref('int_first_records') }} as firsts
        on
            conversions.source_entity = firsts.source_entity
            and conversions.source_id = firsts.source_id
    inner join {{ ref('stg_experiment_regions') }} as regions on firsts.region = regions.region
    inner join experiments
        on
            regions.experiment = experiments.experiment
            and conversions.action_at >= experiments.start_at
            and conversions.action_at < experiments.end_at
            and coalesce(experiments.event_name, conversions.event_name) = conversions.event_name
    where {{ key_in_scope('conversions.conversion_key') }}
),

final as (
    select
        conversion_key,
        destination,
        experiment,
        experiment_unit,
        {{ is_held_out_unit('experiment_unit', 'held_below') }} as is_held_out
    from hashed
    union all
    select
        conversion_key,
        destination,
        experiment,
        experiment_unit,
        is_held_out
    from regional
)

select * from final
