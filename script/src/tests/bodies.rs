//! The tables. What `answers/functions.cql` of `cluster-tests` records from Cassandra is not repeated here.

use super::check;

#[test]
fn arithmetic_is_javas() {
    check(&[
        ("int; int -> int", "return a + b;", &["2147483647", "1"], "-2147483648"),
        ("int; int -> int", "return a / b;", &["-7", "2"], "-3"),
        ("int; int -> int", "return a % b;", &["-7", "2"], "-1"),
        ("int; int -> int", "return a / b;", &["1", "0"], "! java.lang.ArithmeticException: / by zero"),
        ("int; int -> int", "return a / b;", &["-2147483648", "-1"], "-2147483648"),
        ("int -> int", "return a << 33;", &["1"], "2"),
        ("int -> int", "return a >>> 28;", &["-1"], "15"),
        ("int -> int", "return a >> 28;", &["-1"], "-1"),
        ("bigint -> bigint", "return a >>> 60;", &["-1"], "15"),
        ("int -> bigint", "return a * 1000000L * 1000000L;", &["3"], "3000000000000"),
        ("int -> bigint", "return (long) (a * 1000000 * 1000000);", &["3"], "2112827392"),
        ("double -> int", "return (int) a;", &["1e300"], "2147483647"),
        ("double -> bigint", "return (long) a;", &["-2.9"], "-2"),
        ("int -> tinyint", "return (byte) a;", &["300"], "44"),
        ("int -> text", "return \"\" + (char) (a + 1);", &["65"], "B"),
        ("int -> double", "return a / 2;", &["5"], "2.0"),
        ("int -> double", "return a / 2.0;", &["5"], "2.5"),
        ("smallint; tinyint -> int", "return a + b;", &["300", "-7"], "293"),
        ("int -> int", "int x = a; x += 2.7; x <<= 1; x ^= 5; return x;", &["1"], "3"),
        ("int -> int", "byte x = 127; x++; return x + a;", &["0"], "-128"),
        ("int -> int", "int x = a++ + ++a; return x * 100 + a;", &["1"], "403"),
        ("int -> int", "int[] x = {1, 2, 3}; x[a]++; x[a] += 5; return x[a]-- * 10 + x[a];", &["1"], "87"),
        ("int -> boolean", "return 3 < a && a <= 7 || a == 100;", &["7"], "true"),
        ("int -> boolean", "return a >= 3 ? !(a > 5) : a != 1;", &["4"], "true"),
        ("double -> boolean", "return a != a;", &["NaN"], "true"),
        ("int -> int", "return -(-a) + +a + ~a;", &["5"], "4"),
        ("int -> int", "return 0x1F + 0b101 + 017 + 1_000 + a;", &["0"], "1051"),
        ("int -> bigint", "return Math.abs(-5L) + Math.max(a, 3) + Math.round(2.5) + Math.round(-2.5);", &["9"], "15"),
        ("int -> int", "return Math.floorMod(-7, a) * 10 + Math.floorDiv(-7, a);", &["3"], "17"),
        (
            "int -> int",
            "return Math.addExact(a, 1);",
            &["2147483647"],
            "! java.lang.ArithmeticException: integer overflow",
        ),
        (
            "double -> double",
            "return Math.pow(a, 2) + Math.sqrt(16) + Math.floor(1.7) + Math.ceil(1.2);",
            &["3"],
            "16.0",
        ),
    ]);
}

#[test]
fn text_is_javas() {
    check(&[
        ("text -> text", "return a.trim().toUpperCase() + a.length();", &[" aé "], "AÉ4"),
        ("text -> text", "return a + 1 + 2 + 'c' + 1.0 + true + null + 1.5f;", &["x"], "x12c1.0truenull1.5"),
        ("text -> text", "return 1 + 2 + a;", &["x"], "3x"),
        ("text -> int", "return a.length();", &["a😀b"], "4"),
        ("text -> text", "return \"\" + a.charAt(0) + a.charAt(a.length() - 1);", &["abc"], "ac"),
        (
            "text -> text",
            "return a.charAt(9) + \"\";",
            &["abc"],
            "! java.lang.StringIndexOutOfBoundsException: String index out of range: 9",
        ),
        (
            "text -> text",
            "return a.substring(2, 1);",
            &["abc"],
            "! java.lang.StringIndexOutOfBoundsException: begin 2, end 1, length 3",
        ),
        (
            "text -> int",
            "return a.indexOf(\"b\") * 100 + a.lastIndexOf('b') * 10 + a.indexOf(\"z\");",
            &["abcb"],
            "129",
        ),
        (
            "text -> boolean",
            "return a.startsWith(\"ab\") && a.endsWith(\"bc\") && a.contains(\"b\") && !a.isEmpty();",
            &["abc"],
            "true",
        ),
        (
            "text -> text",
            "return a.replace('a', 'o') + a.replace(\"an\", \"\") + a.replaceAll(\"[an]+\", \"-\");",
            &["banana"],
            "bononobab-",
        ),
        ("text -> text", "String[] p = a.split(\",\"); return p.length + p[0] + p[p.length - 1];", &["x,,y,,"], "3xy"),
        ("text -> text", "String[] p = a.split(\"\\\\s*;\\\\s*\", 2); return p.length + p[1];", &["x ;  y;z"], "2y;z"),
        ("text -> int", "return a.split(\"\").length + \"\".split(\",\").length;", &["abc"], "4"),
        (
            "text -> text",
            "return String.join(\"-\", a, \"b\") + String.join(\"+\", java.util.Arrays.asList(a, a));",
            &["x"],
            "x-bx+x",
        ),
        (
            "text -> boolean",
            "return a.equals(\"x\") && a.equalsIgnoreCase(\"X\") && a.compareTo(\"y\") < 0 && a.hashCode() == 120;",
            &["x"],
            "true",
        ),
        (
            "text -> text",
            "StringBuilder s = new StringBuilder(a); s.append(1).append('c').insert(0, true).reverse(); return s.toString();",
            &["ab"],
            "c1baeurt",
        ),
        (
            "text -> text",
            "StringBuilder s = new StringBuilder(); for (char c : a.toCharArray()) s.append((int) c).append(' '); return s.toString();",
            &["ab"],
            "97 98 ",
        ),
        (
            "double -> text",
            "return String.format(\"%.2f|%5d|%-4s|%05d|%x|%,d|%%\", a, 42, \"ab\", 7, 255, 1234567);",
            &["2.345"],
            "2.35|   42|ab  |00007|ff|1,234,567|%",
        ),
        (
            "double -> text",
            "return String.format(\"%e|%.3e|%g|%#x|%(08.2f|%,d|%h|%S|%<s\", a, 9.9996e9, 1234567.0, 255, -a, -1234567L, \"ab\", null);",
            &["2.345"],
            "2.345000e+00|1.000e+10|1.23457e+06|0xff|(002.35)|-1,234,567|c21|NULL|null",
        ),
        ("double -> text", "return String.format(\"%012.1f|%e\", a, -a);", &["Infinity"], "    Infinity|-Infinity"),
        ("int -> text", "return String.format(\"%-d\", a);", &["1"], "! java.util.MissingFormatWidthException: %-d"),
        (
            "int -> text",
            "return String.format(\"%s %s\", a);",
            &["1"],
            "! java.util.MissingFormatArgumentException: Format specifier '%s'",
        ),
        (
            "int -> text",
            "return String.format(\"%2000000000d\", a);",
            &["1"],
            "! the function made a string of more than 8 MiB",
        ),
        (
            "int -> text",
            "return String.format(\"%.2000000000f\", 1.0);",
            &["1"],
            "! the function made a string of more than 8 MiB",
        ),
        (
            "decimal -> text",
            "return String.format(\"%f\", a);",
            &["1E+2000000000"],
            "! the function made a string of more than 8 MiB",
        ),
        (
            "int -> int",
            "java.math.BigInteger b = new java.math.BigInteger(\"2\").pow(a); int n = 0; for (int i = 0; i < 60; i++) n += (String.format(\"%d\", b)).length(); return n;",
            &["90000"],
            "! the function ran longer than 5000000 steps",
        ),
        (
            "int -> int",
            "java.math.BigInteger b = new java.math.BigInteger(\"2\").pow(a); int n = 0; for (int i = 0; i < 60; i++) n += (String.format(\"%x\", b)).length(); return n;",
            &["90000"],
            "! the function ran longer than 5000000 steps",
        ),
        (
            "int -> int",
            "java.math.BigInteger b = new java.math.BigInteger(\"2\").pow(a); int n = 0; for (int i = 0; i < 60; i++) n += (String.format(\"%e\", new java.math.BigDecimal(b))).length(); return n;",
            &["90000"],
            "! the function ran longer than 5000000 steps",
        ),
        (
            "int -> int",
            "java.math.BigInteger b = new java.math.BigInteger(\"2\").pow(a); int n = 0; for (int i = 0; i < 60; i++) n += (\"\" + b).length(); return n;",
            &["90000"],
            "! the function ran longer than 5000000 steps",
        ),
        (
            "int -> int",
            "java.math.BigInteger b = new java.math.BigInteger(\"2\").pow(a); int n = 0; for (int i = 0; i < 60; i++) n += (\"\" + new java.math.BigDecimal(b)).length(); return n;",
            &["90000"],
            "! the function ran longer than 5000000 steps",
        ),
        (
            "int -> int",
            "java.math.BigInteger b = new java.math.BigInteger(\"2\").pow(a); int n = 0; for (int i = 0; i < 60; i++) n += (new java.math.BigDecimal(b).toPlainString()).length(); return n;",
            &["90000"],
            "! the function ran longer than 5000000 steps",
        ),
        ("double -> text", "return String.format(\"%a\", a);", &["1"], "! not supported yet: %a in String.format"),
        ("text -> int", "return Integer.parseInt(a) + Integer.valueOf(\"5\");", &["-12"], "-7"),
        (
            "text -> int",
            "return Integer.parseInt(a);",
            &["12x"],
            "! java.lang.NumberFormatException: For input string: \"12x\"",
        ),
        (
            "text -> int",
            "return Integer.parseInt(a);",
            &["2147483648"],
            "! java.lang.NumberFormatException: For input string: \"2147483648\"",
        ),
        ("text -> double", "return Double.parseDouble(a);", &[" 1.5e3 "], "1500.0"),
        (
            "text -> text",
            "return Integer.toHexString(255) + Long.MAX_VALUE + Integer.MIN_VALUE + Boolean.parseBoolean(a);",
            &["TRUE"],
            "ff9223372036854775807-2147483648true",
        ),
        ("text -> text", "return a.matches(\"[a-z]+\\\\d?\") + \" \" + a.matches(\"x\");", &["abc1"], "true false"),
        (
            "text -> text",
            "switch (a) { case \"x\": return \"1\"; case \"y\": a = \"z\"; break; default: return \"d\"; } return a;",
            &["y"],
            "z",
        ),
    ]);
}

#[test]
fn statements_run() {
    check(&[
        (
            "int -> int",
            "int n = 0; for (int i = 0; i < a; i++) { if (i % 2 == 0) continue; if (i > 7) break; n += i; } return n;",
            &["100"],
            "16",
        ),
        ("int -> int", "int n = 0; while (true) { if (n >= a) return n; n += 3; }", &["10"], "12"),
        ("int -> int", "int n = 0; do { n++; } while (n < a); return n;", &["0"], "1"),
        ("int -> int", "int n = 0; for (int i = 0, j = 10; i < j; i++, j--) n += j - i; return n;", &["0"], "30"),
        ("int -> int", "switch (a) { case 1: case 2: a += 10; default: a += 100; } return a;", &["2"], "112"),
        (
            "int -> int",
            "int[][] g = new int[3][4]; g[1][2] = a; return g[1][2] + g.length + g[0].length;",
            &["5"],
            "12",
        ),
        (
            "CALLED int -> int",
            "try { return 10 / a; } catch (ArithmeticException e) { return e.getMessage().length(); } finally { a = 3; }",
            &["0"],
            "9",
        ),
        (
            "CALLED int -> text",
            "try { throw new IllegalStateException(\"m\" + a); } catch (RuntimeException e) { return e.toString(); }",
            &["1"],
            "java.lang.IllegalStateException: m1",
        ),
        ("int -> int", "final int x; if (a > 0) x = 1; else x = 2; return x;", &["0"], "2"),
        ("int -> int", "var l = new java.util.ArrayList<Integer>(); l.add(a); return l.get(0);", &["4"], "4"),
        ("int -> boolean", "Object o = a; return o instanceof Integer && !(o instanceof String);", &["4"], "true"),
        ("int -> int", "while (true) { }", &["1"], "! the function ran longer than 5000000 steps"),
        (
            "int -> text",
            "String s = \"x\"; while (true) s = s + s;",
            &["1"],
            "! the function made objects of more than 67108864 bytes",
        ),
        (
            "int -> int",
            "int[] x = new int[a]; return 1;",
            &["2147483647"],
            "! the function made objects of more than 67108864 bytes",
        ),
    ]);
}

#[test]
fn collections_are_javas() {
    check(&[
        ("list<int> -> int", "int n = 0; for (int x : a) n += x; return n * a.size();", &["[1,2,3]"], "18"),
        (
            "list<int> -> int",
            "a.add(7); a.remove(0); a.remove(Integer.valueOf(3)); return a.size() * 100 + a.indexOf(7);",
            &["[1,2,3]"],
            "201",
        ),
        (
            "list<int> -> int",
            "return a.get(3);",
            &["[1,2,3]"],
            "! java.lang.IndexOutOfBoundsException: Index 3 out of bounds for length 3",
        ),
        (
            "list<int> -> text",
            "Collections.sort(a); Collections.reverse(a); return a.toString() + a.contains(2) + Collections.max(a);",
            &["[2,3,1]"],
            "[3, 2, 1]true3",
        ),
        (
            "list<int> -> int",
            "for (int x : a) a.add(x); return 1;",
            &["[1]"],
            "! java.util.ConcurrentModificationException",
        ),
        (
            "int -> text",
            "Set<String> s = new HashSet<>(); s.add(\"banana\"); s.add(\"apple\"); s.add(\"cherry\"); s.add(\"apple\"); return s.toString();",
            &["1"],
            "[banana, apple, cherry]",
        ),
        (
            "int -> text",
            "Set<Integer> s = new TreeSet<>(); s.add(3); s.add(1); s.add(2); return s + \"\";",
            &["1"],
            "[1, 2, 3]",
        ),
        (
            "int -> text",
            "Map<String, Integer> m = new TreeMap<>(); m.put(\"b\", 1); m.put(\"a\", a); m.put(\"b\", m.getOrDefault(\"b\", 0) + 5); String r = \"\"; for (Map.Entry<String, Integer> e : m.entrySet()) r += e.getKey() + e.getValue(); return r;",
            &["2"],
            "a2b6",
        ),
        (
            "map<text,int> -> int",
            "int n = 0; for (String k : a.keySet()) n += a.get(k); for (int v : a.values()) n += v; return n;",
            &["{\"x\":1,\"y\":2}"],
            "6",
        ),
        (
            "map<text,int> -> int",
            "return a.get(\"q\");",
            &["{\"x\":1}"],
            "! java.lang.NullPointerException: Cannot invoke \"java.lang.Integer.intValue()\" because the return value of \"java.util.Map.get(Object)\" is null",
        ),
        (
            "int -> text",
            "List<List<Integer>> l = new ArrayList<>(); l.add(Arrays.asList(1, 2)); l.add(new LinkedList<>()); return l + \" \" + l.get(0).equals(Arrays.asList(1, 2));",
            &["1"],
            "[[1, 2], []] true",
        ),
        (
            "int -> int",
            "Iterator<Integer> i = Arrays.asList(4, 5).iterator(); int n = 0; while (i.hasNext()) n = n * 10 + i.next(); return n;",
            &["1"],
            "45",
        ),
        ("tuple<int,text> -> text", "return a.getInt(0) + a.getString(1);", &["[5,\"x\"]"], "5x"),
        (
            "tuple<int,list<int>> -> int",
            "return a.get(0, Integer.class) + a.getList(1, Integer.class).size();",
            &["[5,[1,2]]"],
            "7",
        ),
        ("tuple<int,text> -> text", "return a.toString();", &["[5,\"x'y\"]"], "(5,'x''y')"),
        ("int -> text", "return String.class;", &["1"], "? 1: not supported yet: class literals"),
        (
            "tuple<int,text> -> text",
            "return a.getString(0);",
            &["[5,\"x\"]"],
            "! org.apache.cassandra.cql3.functions.types.exceptions.CodecNotFoundException: Codec not found for requested operation: [int <-> java.lang.String]",
        ),
        ("vector<float,2> -> float", "return a.get(0) + a.get(1);", &["[1.5,2]"], "3.5"),
        (
            "int -> list<int>",
            "Integer[] x = {3, 2, 1}; Arrays.sort(x); List l = new ArrayList(Arrays.asList(x)); return l;",
            &["1"],
            "00000003000000040000000100000004000000020000000400000003",
        ),
    ]);
}

#[test]
fn other_types_are_javas() {
    check(&[
        (
            "varint -> varint",
            "return a.multiply(java.math.BigInteger.valueOf(3)).add(java.math.BigInteger.TEN).pow(2).mod(new java.math.BigInteger(\"1000\"));",
            &["123456789012345678901234567890"],
            "400",
        ),
        (
            "decimal -> decimal",
            "return a.add(new java.math.BigDecimal(\"0.005\")).setScale(2, java.math.RoundingMode.HALF_UP);",
            &["1.11"],
            "1.12",
        ),
        (
            "decimal -> text",
            "return a.divide(new java.math.BigDecimal(8)) + \" \" + a.multiply(a) + \" \" + a.negate().toPlainString() + \" \" + a.scale();",
            &["1.10"],
            "0.1375 1.2100 -1.10 2",
        ),
        (
            "decimal -> text",
            "return a.divide(new java.math.BigDecimal(3)).toString();",
            &["1"],
            "! java.lang.ArithmeticException: Non-terminating decimal expansion; no exact representable decimal result.",
        ),
        (
            "uuid -> text",
            "return a.toString() + a.version();",
            &["6ab09bec-e68e-48d9-a5f8-97e6fb4c9b47"],
            "6ab09bec-e68e-48d9-a5f8-97e6fb4c9b474",
        ),
        (
            "timestamp -> timestamp",
            "return new Date(a.getTime() + 1000L);",
            &["2020-01-01T00:00:00.000Z"],
            "2020-01-01T00:00:01.000Z",
        ),
        ("inet -> text", "return a.getHostAddress();", &["127.0.0.1"], "127.0.0.1"),
        ("blob -> int", "return a.remaining() * 1000 + a.get(0) + a.getShort(1);", &["01000200"], "4003"),
        ("date -> int", "return a.getYear() * 100 + a.getMonth();", &["2020-02-29"], "202002"),
        ("CALLED int -> int", "return a == null ? -1 : a;", &["null"], "-1"),
        (
            "CALLED int; int -> boolean",
            "return a.equals(b) && a.compareTo(b) == 0 && a.hashCode() == b;",
            &["1000", "1000"],
            "true",
        ),
        ("CALLED int; int -> boolean", "return a == b;", &["1000", "1000"], "false"),
        ("CALLED int; int -> boolean", "return a == b;", &["100", "100"], "true"),
        ("int -> int", "return a + 1;", &["null"], "null"),
    ]);
}

#[test]
fn the_compiler_refuses() {
    let unreachable = "? 1: Unreachable code";
    check(&[
        ("int -> int", "return b;", &[], "? 1: b cannot be resolved to a variable"),
        ("int -> int", "\nreturn \"x\";", &[], "? 2: Type mismatch: cannot convert from String to int"),
        ("int -> int", "if (a > 1) return 1;", &[], "? 1: This method must return a result of type int"),
        ("int -> int", "return 1; return 2;", &[], unreachable),
        ("int -> int", "while (true) { } return 1;", &[], unreachable),
        (
            "int -> int",
            "int x; if (a > 1) x = 1; return x;",
            &[],
            "? 1: The local variable x may not have been initialized",
        ),
        ("int -> int", "int a = 1; return a;", &[], "? 1: Duplicate local variable a"),
        ("int -> int", "byte x = 300; return x;", &[], "? 1: Type mismatch: cannot convert from int to byte"),
        ("int -> int", "return (int) \"x\";", &[], "? 1: Cannot cast from String to int"),
        (
            "int -> int",
            "return a + true;",
            &[],
            "? 1: The operator + is undefined for the argument type(s) int, boolean",
        ),
        ("int -> int", "break;", &[], "? 1: break cannot be used outside of a loop or a switch"),
        (
            "int -> int",
            "return \"x\".length(1);",
            &[],
            "? 1: The method length() in the type String is not applicable for the arguments (int)",
        ),
        ("text -> boolean", "return a == \"x\";", &[], "? 1: not supported yet: == between strings (use equals)"),
        ("int -> int", "Runnable r = () -> 1; return 1;", &[], "? 1: not supported yet: lambda expressions"),
        ("int -> int", "System.exit(1); return 1;", &[], "? 1: not supported yet: System.exit"),
        ("int -> int", "Thread t = new Thread(); return 1;", &[], "? 1: Thread cannot be resolved to a type"),
        (
            "int -> bigint",
            "return java.lang.System.nanoTime();",
            &[],
            "? 1: not supported yet: java.lang.System.nanoTime",
        ),
        (
            "int -> double",
            "return Math.random();",
            &[],
            "? 1: not supported yet: the method random() of java.lang.Math",
        ),
        (
            "text -> text",
            "return a.replaceAll(\"(a)\", \"b\");",
            &[],
            "? 1: not supported yet: the regular expression (a)",
        ),
        ("int -> int", "class X { } return 1;", &[], "? 1: not supported yet: classes inside the body"),
        ("int -> int", "synchronized (this) { } return 1;", &[], "? 1: not supported yet: synchronized blocks"),
        ("int -> int", "return 99999999999;", &[], "? 1: The literal 99999999999 of type int is out of range "),
        ("int -> int", "return \"x;", &[], "? 1: String literal is not properly closed by a double-quote"),
    ]);
    let deep = format!("return {}a{};", "(".repeat(500), ")".repeat(500));
    let long = format!("return a{};", " + a".repeat(500));
    let blocks = format!("{}return a;{}", "{".repeat(500), "}".repeat(500));
    for body in [deep, long, blocks] {
        let answer = super::answer("int -> int", &body, &["1"]);
        assert!(answer.starts_with("? 1: not supported yet: "), "{answer}");
    }
}
