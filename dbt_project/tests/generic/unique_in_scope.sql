{# As `unique_together`, of what this build computed: the other rows were looked at by the build that wrote them. #}
{% test unique_in_scope(model, columns) %}
select
    {{ columns | join(', ') }},
    count(*) as rows_found
from {{ model }}
where {{ key_in_scope() }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
