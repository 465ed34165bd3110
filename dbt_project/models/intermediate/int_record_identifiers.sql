{% for identifier in record_identifiers() -%}
select
    conversion_key,
    '{{ identifier }}' as identifier,
    {{ identifier }} as identifier_value
from {{ ref('int_order_conversions') }}
where {{ identifier }} is not null
{{ 'union all' if not loop.last }}
{% endfor %}
