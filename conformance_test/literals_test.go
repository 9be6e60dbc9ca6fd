package conformance_test

// literals are interesting values of PostgreSQL's own types, as their input functions read them. A type without literals
// has an input function that refuses everything: its columns can only hold NULL.
var literals = map[string][]string{
	"bool":        {"true", "false"},
	"bytea":       {"", `\x00`, `\x00ff5c27`, `\xdeadbeef`},
	"char":        {"", "a", "'", `\377`},
	"name":        {"", "a name", "ünïcode"},
	"int2":        {"0", "1", "-1", "32767", "-32768"},
	"int4":        {"0", "1", "-1", "2147483647", "-2147483648"},
	"int8":        {"0", "1", "-1", "255", "256", "9223372036854775807", "-9223372036854775808"},
	"int2vector":  {"", "1 2 3"},
	"oidvector":   {"", "1 2 4294967295"},
	"oid":         {"0", "1", "2147483648", "4294967295"},
	"xid":         {"0", "3", "4294967295"},
	"xid8":        {"0", "18446744073709551615"},
	"cid":         {"0", "4294967295"},
	"tid":         {"(0,0)", "(4294967295,65535)"},
	"text":        {"", " ", "text", "ünïcode \u2028 😀", "NULL", "line\nline\ttab", `"quoted" \ 'quoted'`},
	"varchar":     {"", "varchar", " blanks  "},
	"bpchar":      {"", "blank padded  "},
	"json":        {"null", "{}", `{"a": [1, 2.50, null], "a":  "again"}`, `"string"`, " 1e3 "},
	"jsonb":       {"null", "{}", `{"b": 1, "a": [1, 2.50, null]}`, `"ünï"`, "1e3"},
	"jsonpath":    {"$", "$.a[*] ? (@ > 1)"},
	"xml":         {"", "<a b=\"c\">text</a>", "no element"},
	"point":       {"(0,0)", "(-1.5,Infinity)", "(NaN,1e-300)"},
	"lseg":        {"[(0,0),(1,1)]"},
	"path":        {"[(0,0),(1,1),(2,0)]", "((0,0),(1,1),(2,0))"},
	"box":         {"(1,1),(0,0)"},
	"polygon":     {"((0,0),(1,1),(2,0))"},
	"line":        {"{1,-1,0}"},
	"circle":      {"<(0,0),1.5>"},
	"float4":      {"0", "-0", "1.5", "3.4028235e38", "1e-45", "NaN", "Infinity", "-Infinity"},
	"float8":      {"0", "-0", "0.1", "1.7976931348623157e308", "5e-324", "NaN", "Infinity", "-Infinity"},
	"numeric":     {"0", "-0.00", "1.10", "123456789012345678901234567890.0123456789", "1e-30", "NaN", "Infinity", "-Infinity"},
	"money":       {"0", "-1234567.89"},
	"macaddr":     {"08:00:2b:01:02:03"},
	"macaddr8":    {"08:00:2b:01:02:03:04:05"},
	"inet":        {"0.0.0.0", "192.168.0.1", "192.168.0.1/24", "::1", "2001:db8::1/64", "::ffff:1.2.3.4"},
	"cidr":        {"192.168.0.0/24", "2001:db8::/32"},
	"aclitem":     {"=r/pg_monitor", "pg_monitor=arwdDxt/pg_read_all_data"},
	"date":        {"2024-02-29", "1970-01-01", "0001-01-01", "4713-01-01 BC", "5874897-12-31", "infinity", "-infinity", "epoch"},
	"time":        {"00:00", "24:00", "12:34:56.789012"},
	"timetz":      {"00:00+00", "24:00-15:59", "12:34:56.789012+05:45"},
	"timestamp":   {"2024-02-29 12:34:56.789012", "1970-01-01", "4713-01-01 BC", "294276-12-31 23:59:59.999999", "infinity", "-infinity"},
	"timestamptz": {"2024-02-29 12:34:56.789012+00", "1970-01-01 00:00+02", "1900-01-01 00:00+00", "4713-01-01 BC", "294276-12-30 23:59:59.999999+00", "infinity", "-infinity"},
	"interval":    {"0", "1 year -2 mons 3 days -04:05:06.000007", "178000000 years", "-1 microsecond"},
	"bit":         {"", "1", "10110"},
	"varbit":      {"", "1", "10110111"},
	"refcursor":   {"", "a cursor"},
	"uuid":        {"00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
	"pg_lsn":      {"0/0", "FFFFFFFF/FFFFFFFF"},

	"txid_snapshot": {"10:20:10,14,15"},
	"pg_snapshot":   {"10:20:10,14,15"},
	"tsvector":      {"", "'a':1A 'fat':2B,4C"},
	"tsquery":       {"", "'fat' & !'rat':AB <-> 'cat'"},

	"regproc":       {"0", "now", "424242"},
	"regprocedure":  {"0", "sum(integer)"},
	"regoper":       {"0", "||/"},
	"regoperator":   {"0", "+(integer,integer)"},
	"regclass":      {"0", "pg_class", "424242"},
	"regcollation":  {"0", `"C"`},
	"regtype":       {"0", "integer", "timestamp with time zone"},
	"regrole":       {"0", "pg_monitor"},
	"regnamespace":  {"0", "pg_catalog"},
	"regconfig":     {"0", "simple"},
	"regdictionary": {"0", "simple"},

	"gtsvector":                    nil,
	"pg_node_tree":                 nil,
	"pg_ndistinct":                 nil,
	"pg_dependencies":              nil,
	"pg_mcv_list":                  nil,
	"pg_brin_bloom_summary":        nil,
	"pg_brin_minmax_multi_summary": nil,
	"int4range":                    {"empty", "[1,10)", "(,)", "[5,)"},
	"int8range":                    {"empty", "[1,10)", "(,5)"},
	"numrange":                     {"empty", "[1.10,2.20]", "(,NaN]"},
	"tsrange":                      {"empty", "[2024-01-01 00:00,infinity)", "[,)"},
	"tstzrange":                    {"empty", "[2024-01-01 00:00+00,2024-01-02 00:00+00)"},
	"daterange":                    {"empty", "[2024-01-01,2024-02-01)", "(-infinity,infinity)"},
	"int4multirange":               {"{}", "{[1,3),[5,8)}"},
	"int8multirange":               {"{}", "{(,3),[5,)}"},
	"nummultirange":                {"{}", "{[1.1,2.2]}"},
	"tsmultirange":                 {"{}", "{[2024-01-01 00:00,2024-01-02 00:00)}"},
	"tstzmultirange":               {"{}", "{[2024-01-01 00:00+00,2024-01-02 00:00+00)}"},
	"datemultirange":               {"{}", "{[2024-01-01,2024-02-01),[2024-03-01,)}"},
}

// namesCatalogs are the types whose output looks a name up in the catalogs. That they are cached is not asked for.
var namesCatalogs = map[string]bool{
	"aclitem": true, "regproc": true, "regprocedure": true, "regoper": true, "regoperator": true, "regclass": true,
	"regcollation": true, "regtype": true, "regrole": true, "regnamespace": true, "regconfig": true, "regdictionary": true,
}

// ownTypes are a user's own types, in terms of which the tables of TestOwnTypes are made.
const ownTypes = `
	create type mood as enum ('sad', 'ok', 'happy and glad');
	create domain positive as int check (value > 0);
	create domain label as text collate "C";
	create domain bytes as bytea;
	create domain moment as timestamptz(3);
	create domain price as numeric(12,2);
	create domain small as positive;
	create domain labels as text[];
	create type pair as (a int, b text);
	create type nested as (p pair, moods mood[], at timestamptz);
	create domain checked_pair as pair;
	create type floatrange as range (subtype = float8, multirange_type_name = floatmultirange);
	create type textrange as range (subtype = text);
	create table products (id int, name text);
	insert into products values (1, 'a'), (2, null);
`

// ownLiterals are values of the user's own types, and of PostgreSQL's with a modifier.
var ownLiterals = map[string][]string{
	"mood":                   {"sad", "happy and glad"},
	"positive":               {"1", "2147483647"},
	"label":                  {"", "a label"},
	"bytes":                  {"", `\x00ff`},
	"moment":                 {"2024-02-29 12:34:56.789012+00", "infinity"},
	"price":                  {"0", "-1234567890.99"},
	"small":                  {"7"},
	"labels":                 {"{}", `{a,NULL,"b c"}`},
	"pair":                   {"(1,a)", "(,)", `(-1,"with "" and , ")`},
	"nested":                 {`("(1,a)","{sad,ok}","2024-01-01 00:00:00+00")`, "(,,)"},
	"checked_pair":           {"(1,a)"},
	"floatrange":             {"empty", "[-0,NaN]"},
	"floatmultirange":        {"{}", "{[1.5,2.5),[3.5,]}"},
	"textrange":              {"empty", `[a,"b c")`, "(,)"},
	"products":               {"(1,a)"},
	"numeric(10,3)":          {"1.5", "-9999999.999"},
	"numeric(3)":             {"999"},
	"varchar(7)":             {"", "seven77"},
	"char(3)":                {"", "abc"},
	"bit(5)":                 {"10110"},
	"varbit(9)":              {"", "10110"},
	"time(2)":                {"12:34:56.789012"},
	"timetz(2)":              {"12:34:56.789012+05:45"},
	"timestamp(0)":           {"2024-02-29 12:34:56.789012"},
	"timestamptz(3)":         {"2024-02-29 12:34:56.789012+00"},
	"interval(1)":            {"1 day 00:00:01.25"},
	"interval day to second": {"1 day 02:03:04.5"},
	"float(24)":              {"1.5"},
}
