-- The identifiers that go with what is due: those of the winning click, and those stored on the record itself.
with due as (
    select
        conversion_key,
        destination,
        click_id,
        is_keys_only
    from {{ ref('int_decisions') }}
    where is_due and decision in ('report', 'retract')
),

carried as (
    select
        due.conversion_key,
        due.destination,
        candidates.identifier,
        min(candidates.identifier_value) as identifier_value
    from due
    inner join {{ ref('int_attribution_candidates') }} as candidates
        on
            due.conversion_key = candidates.conversion_key
            and due.destination = candidates.destination
    where
        candidates.is_usable
        and (candidates.key_rank = 0 or due.click_id = candidates.click_id)
        -- Where consent does not cover the person, only what the network issued for this click is left.
        and (not due.is_keys_only or candidates.is_issued)
    group by 1, 2, 3
),

counted as (
    select
        conversion_key,
        destination,
        count(*) as identifiers,
        min(identifier) as identifier,
        min(identifier_value) as identifier_value
    from carried
    group by 1, 2
),

-- Nearly all carry one: only the others are worth an ordered aggregate.
several as (
    select
        carried.conversion_key,
        carried.destination,
        {{ json_aggregate('carried.identifier', 'carried.identifier_value') }} as identifiers
    from carried
    inner join counted
        on
            carried.conversion_key = counted.conversion_key
            and carried.destination = counted.destination
            and counted.identifiers > 1
    group by 1, 2
)

select
    conversion_key,
    destination,
    {{ json_pair('identifier', 'identifier_value') }} as identifiers
from counted
where identifiers = 1
union all
select * from several
