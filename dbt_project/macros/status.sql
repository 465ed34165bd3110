{# What a conversion is by itself, before any route looks at it. The closed list of `marts.conversions.status`. #}
{% macro conversion_status() -%}
    case
        when is_test then 'test_order'
        when qualification = 'cancelled' and source_entity = 'leads' then 'disqualified'
        when qualification <> 'qualified' then qualification
        when is_value_missing then 'value_missing'
        when value = 0 and zero_values = 'exclude' then 'zero_value'
        when not is_first then 'not_first'
        when gross_amount > 0 and reversed_amount >= gross_amount then 'fully_reversed'
        when reversed_amount > 0 then 'partly_reversed'
        else 'qualified'
    end
{%- endmacro %}

{# Why what was told should change, stays as it is, or cannot be changed: the first rule that applies. #}
{% macro adjustment_reason() -%}
    case
        when not is_moved_by_facts then reason_code
        when told_by = 'undecided' then 'eligible'
        when wanted_value is null then 'no_rate'
        when wanted_value = reported_value and (reported_currency = sent_currency or wanted_value = 0)
            then case
                when told_by = 'pixel' then 'pixel_reported'
                -- Told in time is told: no window that closes afterwards changes that.
                when reason_code in ('on_hold', 'pixel_reported', 'too_old', 'holdout') then 'eligible'
                else reason_code
            end
        when not is_taken_back and reported_currency <> sent_currency then 'currency_changed'
        when
            not is_taken_back and reported_version <> value_version
            then 'definition_changed'
        when not send_reversals then 'reversals_not_sent'
        when is_taken_back and not takes_retraction then 'unsupported_reversal'
        when wanted_value > 0 and reported_value = 0 and not takes_reinstatement then 'unsupported_reversal'
        when not is_taken_back and not takes_restatement then 'unsupported_reversal'
        when wanted_value > reported_value and not takes_increase then 'unsupported_reversal'
        when as_of > adjustable_until then 'adjustment_too_late'
        when is_taken_back then status
        else 'eligible'
    end
{%- endmacro %}
