#!/usr/bin/env python3
"""Writes the seed corpus of statement_fuzzer.c: python3 statement_fuzzer_seeds.py statement_fuzzer_corpus

Each seed is one of the statements below, spelled as the target reads them: words of its list as one byte, the rest as text."""
import os, re, sys

STATEMENTS = """
select * from t
select t.a, u.b from t join u on t.a = u.a and t.b > 1
select * from t left join u using (a) where u.e is null
select * from t full join u on t.a = u.a left join v on v.b = t.b
select * from t natural join v
select a, count(*), sum(b), avg(b), min(c), max(d) from t group by a having count(*) > 1 order by a nulls first
select a, c, count(distinct b), string_agg(c, ',' order by c) from t group by rollup (a, c)
select a, d, grouping(a), sum(b) filter (where b > 1) from t group by grouping sets ((a), (d), ())
select percentile_cont(0.5) within group (order by b) from t group by cube (a, d)
select a, rank() over (partition by a order by b desc), sum(b) over (order by b rows between 1 preceding and current row) from t
select lag(b, 2, 0) over (order by a, b), first_value(c) over (partition by d order by b groups between 1 preceding and 1 following) from t
select sum(b) over (order by a range between 1 preceding and 1 following exclude ties) from t
select a from t union select a from u order by 1 limit 3 offset 1
select a from t except all select a from u intersect select a from t
select distinct on (a) a, b from t order by a, b desc
with q as (select a, sum(b) as s from t group by a) select * from q join q r on q.a = r.a
select * from t where a in (select a from u where u.b > t.b) or exists (select 1 from v where v.c = t.c)
select * from t where a not in (select a from u)
select a, (select count(*) from u where u.a = t.a) from t
select a, (select max(e) from u where u.a < t.a) from t where b = any (select b from v)
select * from t, lateral (select b as z from v where v.b = t.b) q
select case when a > 1 then 'x' when c like '%x_' then c else coalesce(c, 'y') end from t
select nullif(a, 1), greatest(a, b, 3), cast(b as numeric(5,2)), c || 'x', -a, a % 2, b / a from t where a <> 0
select extract(year from d), date_trunc('month', g), d + 1, d + interval '1 month', g - interval '1 day' from t, v
select f and e > 1 or not f, e::text, b::int from u
values (1, 'a'), (2, null), (null, 'c') order by 2 desc
select corr(e, b), stddev(b), bool_and(f), variance(e) from u
select * from (values (1), (2)) q(a) cross join x
create table w as select * from t; insert into w select * from t; delete from w where a = 1; update w set a = 2; select * from w
select a between 1 and 2, a is distinct from b, (a, b) = (1, 10), (a, b) in ((1, 10), (2, 20)) from t
select count(*) from t, u, v where t.a = u.a and v.c = t.c and u.b < 2
select a as k, array_agg(b) from t group by k
""".strip().split("\n")


def words():
    source = open(os.path.join(os.path.dirname(__file__), "statement_fuzzer.c")).read()
    listed = source[source.index("words[128] = {"):]
    return re.findall(r'"((?:[^"\\]|\\.)*)"', listed[: listed.index("};")])


def spell(statement, known):
    longest_first = sorted(range(len(known)), key=lambda i: -len(known[i]))
    out, at = b"", 0
    while at < len(statement):
        for i in longest_first:
            word, end = known[i], at + len(known[i])
            inside_word = word[-1].isalnum() and statement[end : end + 1].isalnum()
            if statement.startswith(word, at) and not inside_word:
                out, at = out + bytes([128 + i]), end + (statement[end : end + 1] == " ")
                break
        else:
            out, at = out + statement[at].encode(), at + 1
    return out


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    for index, statement in enumerate(STATEMENTS):
        with open(os.path.join(sys.argv[1], "statement_%02d" % index), "wb") as file:
            file.write(spell(statement, words()))


main()
