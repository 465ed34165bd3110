with source as (
    select * from {{ source('raw', 'consents') }}
),

renamed as (
    select
        subject_id,
        subject_type,
        purpose,
        state,
        region,
        version,
        _row_hash as row_hash,
        _row_number as file_row,
        _seen as seen,
        recorded_at,
        _loaded_at as loaded_at
    from source
)

select * from renamed
