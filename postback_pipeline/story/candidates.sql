-- The clicks that share a key with one conversion, and why each won or lost at each destination: the winner, then the
-- newest fifty. One conversion at a time: the view is cheap for one key only.
with ranked as (
    select
        conversion_key,
        destination,
        click_id,
        clicked_at,
        matched_by,
        identifier,
        verdict,
        row_number() over (
            partition by destination
            order by verdict in ('won', 'lost_to_other_route') desc, clicked_at desc, click_id
        ) as place,
        count(*) over (partition by destination) as clicks
    from marts.decision_candidates
    where conversion_key = $conversion_key
)

select *
from ranked
where place <= 50
order by destination, place
