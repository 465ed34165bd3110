{# The rows that somebody should look at, if there are any. #}
{% test nothing_where(model, condition) %}
select *
from {{ model }}
where {{ condition }}
{% endtest %}
