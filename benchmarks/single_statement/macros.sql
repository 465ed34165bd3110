-- Words that the statement is written in; they are put in place before anything runs.
create temp macro value_at_start(query) as nullif(url_decode(split_part(split_part(query, '&', 1), '#', 1)), '');

create temp macro url_parameter(url, parameter) as
    case
        when not contains(url, parameter || '=') then null
        when contains(url, '?' || parameter || '=') then value_at_start(split_part(url, '?' || parameter || '=', 2))
        else value_at_start(split_part(url, '&' || parameter || '=', 2))
    end;

create temp macro rounded(amount, minor_units) as
    case minor_units
        when 0 then round(amount, 0) when 1 then round(amount, 1) when 2 then round(amount, 2)
        when 3 then round(amount, 3) else amount
    end;

create temp macro whole(amount) as (amount * 10000)::hugeint;

-- amount * part / total, rounded half up: in whole ten-thousandths, of which `quantum` make a minor unit.
create temp macro share(amount, part, total, quantum) as (
    (2 * whole(amount) * whole(part) + whole(total) * quantum) // (2 * whole(total) * quantum) * quantum * 0.0001
)::decimal(18, 4);
