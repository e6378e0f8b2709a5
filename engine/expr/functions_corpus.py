#!/usr/bin/env python3
"""Asks a PostgreSQL 15 for the corpus of functions_test.c: python3 functions_corpus.py -h HOST -U USER > functions_corpus.txt

The arguments go to psql. Each line below is a function as od_function_text() has it and, for each argument, the values to try
(every combination of them is one row): "t:abc" is text, "i" integer, "l" bigint, "n" numeric, "f" double precision, "b"
boolean, "d" date, "s" timestamp, "v" interval; "i:null" is a NULL. A value is spelled without blanks; _ stands for one.
A row of the corpus is the function, its arguments, the result's type and the result; "!" and the text where it is an error.
Rows whose numeric has more than 38 digits are left out: there we differ on purpose."""
import itertools, re, subprocess, sys

CALLS = r"""
+ i:1,-2147483648,null,2147483647 i:2,-1
+ l:1,9223372036854775807 l:2,-1,null
+ i:5 l:7,9223372036854775807
+ n:1.50,-0.05,99999999999999999999 n:2,0.005,null
+ i:1 n:0.5
+ l:9 n:0.25
+ f:0.1,1.7e308,Infinity,-0 f:0.2,1.7e308,-Infinity,NaN
+ i:1 f:0.5
+ n:1.5 f:0.25
+ d:1969-12-31,2024-02-28,5874897-12-31 i:1,-365,2147483647
+ i:1 d:2024-02-28
+ d:2024-01-31 v:1_month,1_day,-1_year,1_month_1_day_01:00:00,null
+ v:1_month d:2023-12-31
+ s:2024-01-31_10:00:00 v:1_month,-13_months,36:00:00,1_year_2_mons_3_days_04:05:06.7
+ v:90_days s:2024-01-01_00:00:00
+ v:1_month_2_days v:-1_days_03:00:00
- i:1,-2147483648 i:2,-1
- l:-9223372036854775808,5 l:1,null
- n:1.50,0.05 n:2,0.005
- n:5 i:3
- f:-1.7e308,Infinity,1.5 f:1.7e308,Infinity,0.25
- d:2024-03-01 i:1,-1
- d:2024-03-01 d:2023-03-01,2025-01-01,null
- d:2024-03-31 v:1_month,1_day
- s:2024-03-31_00:00:00 v:1_month,1_day,00:00:00.000001
- s:2024-03-01_12:00:00,1969-01-01_00:00:00 s:2024-02-28_18:30:00,2024-03-01_12:00:00
- v:1_month v:3_days
* i:65536,-7 i:65536,6
* l:3037000500,-7 l:3037000500,6
* n:1.50,-0.05 n:2,0.005,1234567.891
* i:3 n:1.10
* f:1e200,1e-200,0,-2 f:1e200,1e-200,Infinity,-5
* v:1_month_3_days_01:00:00 f:1.5,-2,0.1
* f:2.5 v:1_day
* i:3 v:1_day
/ i:-7,7,-2147483648 i:2,0,-1,null
/ l:-7,-9223372036854775808 l:2,0,-1
/ n:1,10,1.50,-2,0.0001,12345.678,0 n:3,0,7,0.003,1000000,-1.5
/ n:1 i:3
/ i:7 n:2
/ f:1,Infinity,NaN,1e-200,1e200 f:0,4,1e200,1e-200,-0,Infinity,-Infinity
/ v:1_month f:2,4,0
/ v:1_day f:7
% i:-7,7,-2147483648 i:3,-3,-1,0
% l:-7,-9223372036854775808 l:3,-1,0
% n:-7.5,7,5.25 n:2,0.3,0,-2.5
& i:12,-1 i:10,3
& l:12 i:10
| i:12 i:3
| l:12 l:-8
# i:12,-1 i:10
# l:5 l:3
<< i:1,-3 i:4,31,33
<< l:1,-3 i:4,40,63,65
>> i:-17,17 i:2,33
>> l:-17,1099511627776 i:2,40
~ i:5,-1,0
~ l:5,-1
neg i:7,-2147483648
neg l:7,-9223372036854775808
neg n:1.50,-0.0
neg f:0,NaN,-2.5
neg v:1_mon_-3_days_04:00:00
= i:1,null i:1,2
= i:1 l:1
= i:1 n:1.0,1.5
= l:2 f:2,2.5
= n:1.5 n:1.50,1.51
= n:0.1 f:0.1
= f:NaN,-0 f:NaN,0
= t:,ab t:,ab,abc
= b:t b:t,f,null
= d:2024-01-01 s:2024-01-01_00:00:00,2024-01-01_00:00:01
= v:1_month v:30_days,31_days
<> f:NaN,1 f:NaN
<> t:ab t:abc,ab
< i:-5,5 i:5
< n:-0.5,10 n:9.99,-0.49
< f:Infinity,-0 f:NaN,0
< t:ab,b,z t:abc,ä
< v:1_day v:25:00:00,23:00:00
<= i:5,6 i:5
<= f:NaN f:1,NaN
<= n:1.0 n:1.00
> i:6 i:5,6
> f:NaN f:1
> b:t b:f,t
> s:2024-01-01_00:00:01 d:2024-01-01
>= d:2024-01-01 d:2024-01-01,2024-01-02
>= n:-1 n:-1.0,0
is_distinct_from i:1,null i:1,null
is_distinct_from n:1.0 n:1.00,null
is_not_distinct_from f:NaN,null f:NaN
is_not_distinct_from t:null,a t:null,a
like t:abc t:abc,a%,%b,a_c,%%c,_,null,
like t:,a€c t:%,,_,a_c,a__c
like t:aXbXc t:%X%c,%_X_,%x%c
like t:mississippi t:%iss%ip%i,%iss%ipi%i
like t:50%,50x,a\b t:50\%,a\\b,a\b
like t:ab t:a\,%\
like t:50%,50x,a#b t:50#%,a##b,50\% t:#,,€
like t:ab t:ab t:xy
like t:a%b t:a€%b,a€b t:€
ilike t:ABC,abc,Ä t:aBc,a%,%C,_B_,Ä
ilike t:A%C t:a#%c t:#
|| t:ab, t:c,,null
|| t:n= i:5,-2147483648
|| t:n= n:1.50
|| t:n= f:1.5,1e20
|| b:t t:x
|| t:d d:2024-02-29
|| t:v v:1_day
|| l:5 t:x
and b:t,f,null b:t,f,null
and b:t b:t b:f,null
or b:t,f,null b:t,f,null
not b:t,f,null
is_null i:null,1
is_not_null t:,null
is_true b:t,f,null
is_false b:t,f,null
nullif i:1 i:1,2,null
nullif n:1.50 n:1.5,2
nullif i:1 n:1.0,2.5
nullif t:a t:a,null
coalesce i:null,1 i:null,2 i:3
coalesce i:null n:1.5
coalesce i:1 f:2.5
coalesce t:null,a t:b
coalesce d:2024-01-01 s:2024-01-01_10:00:00
greatest i:1,null i:3 i:2
greatest n:1.5,1.50 n:1.50,1.5
greatest i:1 n:0.5 l:7
greatest f:NaN f:1
greatest d:2024-01-01 s:2023-01-01_00:00:00
greatest t:a,Z t:ab
least i:null,1 i:null,0
least n:1.0,1.00 n:1
least f:NaN f:1,Infinity
least v:1_mon v:29_days
abs i:-7,-2147483648
abs l:-7,-9223372036854775808,null
abs n:-1.50,0.0
abs f:-2.5,-0,NaN,-Infinity
sign n:-1.50,0.0,7
sign f:-2.5,0,NaN
sign i:-3
floor f:-1.5,1.5,NaN
floor n:-1.5,1.5,-2.00,2
floor i:5
ceil f:-1.5,-0.5,2.1
ceil n:-1.5,1.5,2.00,-0.5
round f:2.5,-3.5,0.5,1e20
round n:2.5,-3.5,0.4,-0.5,1.05
round i:5
round n:1234.5678,-0.005,0.5,15 i:2,0,-2,5,-1,1
round i:1234 i:-2
trunc f:-1.7,1.7
trunc n:-1.75,1.75,0.9
trunc n:1234.5678,-1234.5678 i:2,-2,0,6
sqrt f:2.25,-0,-1,2,Infinity
sqrt n:2,2.25,0,-1,100,0.0001,1234567890.123456789
sqrt i:9
cbrt f:27,-8,0,2
exp f:0,1,-1,710,-760,Infinity,-Infinity,NaN
exp i:1
ln f:1,2.718281828459045,0,-1,Infinity
log f:100,0.001,0,-5,2
power f:2,-2,0,NaN,1,Infinity,-Infinity,10 f:3,-1,0.5,0,400,NaN,Infinity
power i:2 i:10,-1
power n:2,1.05,-3,0,0.001,10,12345.678 n:0,1,2,3,-1,-2,7,3.0
power n:1.05,0.9,3 n:20,-20,33
power n:0.001,-0.5 n:25,400,-12
power n:1000,-7.5 n:-25,-400,12
power n:-8 n:0.5,-0.5
power n:0 n:-0.5,0.5
power n:2.0,0.001,1234.5,1.0000001 n:0.5,-1.5,7.25,0.000001
exp n:0.0,1.0,-1,10.5,-30.25,60.5,0.00000000000000000001
ln n:1.0,2.0,0.001,123456.789,0.99999,1.00000001,0.0,-1.5,null,99999999999999999999999999.5
log n:1.0,2.0,1000,0.0003,0,-2.5
log n:2.0,10,0.5,1.0,-1.0,1.5 n:64.0,0.001,1.0,0.0,7
pi
degrees f:3.141592653589793,1e308,1
radians f:180,1,0
sin f:0,1,Infinity,NaN,-2.5
cos f:0,1,-Infinity
tan f:0,1,2
cot f:1,0,2
asin f:0,1,2,-0.5
acos f:1,0,-2,0.5
atan f:1,Infinity,-0.5
atan2 f:1,-1,0 f:1,-1,0
sinh f:1,0,800,-800
cosh f:1,0,800
tanh f:1,0,100
asinh f:1,-2
acosh f:1,2,0.5
atanh f:0.5,1,-1,2
div n:7,-7,7.5,1e20 n:2,-2,0.3,0
gcd i:12,-12,0,-2147483648 i:18,0
gcd l:12,-9223372036854775808 l:8,0
lcm i:4,0,2147483647 i:6,0,2
lcm l:4,9223372036854775807 l:6,2
scale n:1.50,5,0.001
min_scale n:1.50,5.00,0.0010,100
trim_scale n:1.50,5.00,100,0.0
lower t:AZaz@[,null,Ab1
upper t:AZaz`{,
initcap t:hello_world,HELLO-wORLD_3rd,a,,x'y
length t:aä€😀,,abc,null
octet_length t:aä€,
bit_length t:aä€,
substring t:hello,aä€b, i:3,-1,0,9,-2147483648,2147483647
substring t:hello,aä€b i:2,-1,0,9,-2147483648 i:2,4,0,2147483647,-1
overlay t:abcdef,äöü t:XX,€ i:1,3,7,0,-1
overlay t:abcdef t:XX, i:2,5 i:0,1,3,-1,100
btrim t:__ab__,ab,____,
btrim t:xyabcyx,€a€ t:xy,€,,ab
ltrim t:__ab__,
ltrim t:xyabcyx t:xy,z
rtrim t:__ab__
rtrim t:xyabcyx,aä t:xy,ä
replace t:aXbXc,aaa,€X€ t:X,aa,,€ t:,yy
strpos t:hello,aä€b, t:l,€,,z,hello!
left t:hello,aä€b i:2,-2,0,-10,10
right t:hello,aä€b i:2,-2,0,-10,10
lpad t:hi,äö,hello i:5,2,0,-1,7
lpad t:hi i:7,1 t:xy,€,,abc
rpad t:hi,hello i:5,2,0
rpad t:hi i:7 t:xy,€,
repeat t:ab,€, i:3,0,-1
reverse t:aä€b,,abc
concat t:a,null i:1,null b:t,f,null
concat n:1.50 f:1.5 d:2024-01-01
concat_ws t:-,,null t:a,null i:1,null
split_part t:a,b-c-d,_ t:-, i:1,2,-1
split_part t:a--b----c,abc t:--,x, i:0,1,2,3,4,9,-1,-2,-4
starts_with t:hello, t:he,,hello!,l
ascii t:a,,ä,€,😀,abc
chr i:65,228,8364,128512,0,-1,1114112,55296
translate t:12345,aäb t:143,ä t:ax,,xyz1
md5 t:,abc,hello_world
md5 t:12345678901234567890123456789012345678901234567890123456789012345678901234567890,1234567890123456789012345678901234567890123456789012345
to_hex i:255,-1,0
to_hex l:255,-1,1099511627776
make_date i:2024,-44,0 i:2,13,3 i:29,30,15
make_timestamp i:2024 i:2 i:29 i:23,24,25 i:0,59 f:0,59.9999999,60,61
cast_boolean i:-5,0,null
cast_boolean t:t,yes,on,1,TRUE,_no_,off,0,f,maybe,,tru,o
cast_integer b:t,f
cast_integer l:42,2147483648,-2147483648
cast_integer n:2.5,-2.5,1.49,2147483647.4,2147483647.5
cast_integer f:2.5,3.5,-0.5,NaN,2147483647.4,2147483648,Infinity
cast_integer t:42,_42_,4x,,-2147483648,2147483648,1.5,+7,99999999999999999999,0x10,1_2
cast_bigint i:-5
cast_bigint n:2.5,9223372036854775807.4,9223372036854775808,-0.5
cast_bigint f:2.5,3.5,-9223372036854775808,9223372036854775808,NaN
cast_bigint t:_42_,4x,-9223372036854775808,9223372036854775808
cast_numeric i:-5
cast_numeric l:9223372036854775807
cast_numeric f:0.1,1e20,123456789.123456789,-0,1e-7,2.5e-10
cast_numeric t:1.50,_-2_,1e3,abc,.5,5.,1.5e-3,,1e,--1,0.000
cast_double_precision i:5
cast_double_precision l:9223372036854775807
cast_double_precision n:1.50,0.1,12345678901234567890.123
cast_double_precision t:1e3,_2.5_,infinity,-Inf,nan,abc,,1e400,1e-400,.5,0x
cast_date t:2024-02-29,2024-02-30,2024-2-9,abc,2024-02-29_23:59:59,0044-03-15_BC,2024-13-01
cast_date s:1969-12-31_23:59:59.999999,1970-01-01_00:00:00
cast_timestamp d:1969-12-31,2024-02-29
cast_timestamp t:1969-12-31_23:59:59.5,2024-01-01,abc,2024-01-01_25:00:00,2024-01-01T10:00:00
cast_interval t:1_day,1_month_-3_days,abc,04:05:06,P1Y2M
cast_text b:t,f
cast_text i:-5
cast_text l:9223372036854775807
cast_text n:1.50,-0.001,100
cast_text f:1e20,0.1,NaN,-Infinity,1e-7,100000,123456789012345680
cast_text d:2024-02-29,0044-03-15_BC
cast_text s:2024-02-29_01:02:03,2024-02-29_01:02:03.45
cast_text v:1_day,14_months,-1_days_02:03:04.5
numeric n:123.456,99.995,-0.004,99999 i:5 i:2
numeric n:1.5,0.04 i:1 i:1
numeric n:123456 i:3 i:0
varchar t:hello,aä€b, i:3,10
smallint i:5,32767,32768,-32768,-32769
""" + "".join(
    "%s t:%s %s\n" % (function, field, values)
    for function, values in (
        ("extract", "s:2024-12-30_23:58:07.654321,1969-12-31_00:00:59.9,0044-03-15_12:00:00_BC,2001-01-01_00:00:00,null"),
        ("extract", "d:2024-12-30,2021-01-03,1900-06-15,0001-01-01_BC"),
        ("extract", "v:14_mons_-3_days_27:05:06.7,-1_years_-4_mons"),
        ("date_part", "s:2024-12-30_23:58:07.654321,1969-12-31_00:00:59.9"),
        ("date_part", "d:2024-12-30"),
        ("date_part", "v:14_mons_-3_days_27:05:06.7"),
        ("date_trunc", "s:2024-12-30_23:58:07.654321,1969-05-31_00:00:59.9,0044-03-15_12:00:00_BC,2000-01-01_00:00:00"),
    )
    for field in "millennium century decade year isoyear quarter month week day dow isodow doy julian hour minute second "
    "milliseconds microseconds epoch".split())

TYPES = {"b": "boolean", "i": "integer", "l": "bigint", "n": "numeric", "f": "double precision", "t": "text", "d": "date",
         "s": "timestamp", "v": "interval"}
POSTFIX = ("is null", "is not null", "is true", "is false")
NOT_OURS = re.compile("does not exist|not unique|not supported for type|not recognized for type|julian")


def rows():
    for line in CALLS.strip("\n").split("\n"):
        words = line.split(" ")
        name = words[0].replace("_", " ") if words[0].startswith(("is_", "cast_")) else words[0]
        if "t:julian" in words and (words[2][0] == "s" or name == "date_part"):
            continue  # of a timestamp: not ours
        choices = []
        for word in words[1:]:
            choices.append([(word[0], value.replace("_", " ")) for value in word[2:].split(",")])
        for arguments in itertools.product(*choices):
            yield name, arguments


def literal(argument):
    letter, value = argument
    return "null::%s" % TYPES[letter] if value == "null" else "'%s'::%s" % (value.replace("'", "''"), TYPES[letter])


def sql(name, arguments):
    texts = [literal(a) for a in arguments]
    if name.startswith("cast "):
        return "cast(%s as %s)" % (texts[0], name[5:])
    if name == "numeric":
        return "%s::numeric(%s,%s)" % (texts[0], arguments[1][1], arguments[2][1])
    if name == "varchar":
        return "%s::varchar(%s)::text" % (texts[0], arguments[1][1])
    if name == "smallint":
        return "%s::smallint::integer" % texts[0]
    if name in POSTFIX:
        return "(%s) %s" % (texts[0], name)
    if name in ("neg", "not", "~"):
        return "%s (%s)" % ("-" if name == "neg" else name, texts[0])
    if name in ("like", "ilike") and len(texts) == 3:
        return "%s %s %s escape %s" % (texts[0], name, texts[1], texts[2])
    if name in ("and", "or", "like", "ilike") or name.startswith("is ") or not name[0].isalpha():
        return "(" + (" %s " % name).join(texts) + ")"
    if name == "extract":
        return "extract(%s from %s)" % (arguments[0][1], texts[1])
    return "%s(%s)" % (name, ", ".join(texts))


def answers(calls):
    script = ["\\pset null null", "\\pset fieldsep '\\t'"]
    for call in calls:
        script += ["\\echo =====", "select pg_typeof(x), x from (select %s as x) as t;" % call]
    run = subprocess.run(["psql", "-qAtX", "-v", "VERBOSITY=terse", *sys.argv[1:]], input="\n".join(script), text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return [piece.strip("\n") for piece in run.stdout.split("=====\n")[1:]]


def quoted(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def main():
    calls = list(rows())
    for (name, arguments), answer in zip(calls, answers(sql(*row) for row in calls)):
        if answer.startswith("ERROR:"):
            kind, text = "", "!" + re.sub(r" at character \d+$", "", answer[len("ERROR:"):].strip())
            if NOT_OURS.search(text):
                continue
        else:
            kind, text = answer.split("\t", 1)
            kind = {"timestamp without time zone": "timestamp"}.get(kind, kind)
            if kind == "numeric" and len(re.sub("[^0-9]", "", text).lstrip("0")) > 38:
                continue
        given = ", ".join(quoted("%s:%s" % (TYPES[letter], value)) for letter, value in arguments)
        print("{%s, {%s}, %s, %s}," % (quoted(name), given or "NULL", quoted(kind), quoted(text)))


main()
