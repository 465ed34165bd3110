-- Every status of the leads in scope: which is the newest, and which row tells who the person is.
select
    leads.*,
    row_number() over (
        partition by leads.lead_id
        -- Two statuses of one moment: the one further on in a lead's life is the later one.
        order by
            leads.status_at desc,
            position(leads.status in 'new verified qualified closed_lost closed_won disqualified') desc,
            leads.seen desc, leads.row_hash desc, leads.file_row desc
    ) as recency,
    -- What a lead's rows say of the person may stand in one of them only.
    row_number() over (
        partition by leads.lead_id
        order by
            case when {{ has_identity('leads') }} then 0 else 1 end,
            case when coalesce(leads.email, leads.phone) is not null then 0 else 1 end,
            leads.status_at, leads.row_hash, leads.file_row
    ) as identity_rank
from {{ ref('stg_leads') }} as leads
where {{ in_scope('leads', 'lead_id') }}
