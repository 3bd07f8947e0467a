"""Differences that are known, each a line of docs/differences.md: what is left of a comparison is a fault."""

import re

CONDITION = r"Invalid (comparison with (null|an empty)|negative list index|'unset' value in condition)"
REFUSED = r"^error 0x2[12]00 "
OPERATORS = "Of several functions of an operator that fit exactly"
FIELDS = "Messages that repeat a literal of a user-defined type"
# A pattern of the statement, one of Cassandra's answer, one of ours, and the words of the line in docs/differences.md.
KNOWN = [
    (r"", r"JsonParseException|JsonEOFException|JsonMappingException|MismatchedInputException", REFUSED,
     "What is wrong with a text that is no JSON"),
    (r"", r"^error 0x0000 java\.", r"^(error |no answer: (InvalidRequest|FunctionFailure))", "Where Cassandra answers with a Java exception"),
    (r"^SELECT", r"^error 0x0000 java\.", r"", "Where Cassandra answers with a Java exception"),
    # A driver asks the next host behind such an answer to PREPARE, and finds none.
    (r"^SELECT", r"^error NoHostAvailable .*code=0000 \[Server error\] message=.java\.", r"", "Where Cassandra answers with a Java exception"),
    (r"^SELECT .* GROUP BY ", r"^error 0x000a Invalid value for the paging state", r"", "GROUP BY on the partition key of a table without clustering"),
    (r"^SELECT", r"^error 0x1300 Operation failed", r"^(warning|columns|error 0x2200)", "Where Cassandra answers with a Java exception"),
    (r"^(DELETE|BEGIN).*[<>]", r"^(done|error 0x1500)", r"^error 0x2200 Invalid null value in condition", "Null as a bound of what a DELETE deletes"),
    (r"\([^()]*, [^()]*\) [<>]=? .* -- .*unset", r"^(done|columns)", r"^error 0x2200 Invalid unset value for column [prsc]\d$", "Unset as the bound of one column beside a relation of several"),
    (r"CAST\([cpr]\d AS ", r"Invalid call to function system.cast_as_", r"^(?!.*Invalid call)", "CAST of a clustering column with DESC"),
    (r"^SELECT .*CAST\(c\d AS .*\(.* FROM v\d", r"Invalid call to function system.cast_as_", r"Invalid call to function (?!system.cast_as_)",
     "CAST of a clustering column with DESC"),
    (r"^BEGIN.*DELETE .*[<>].*;.*;", r"^error 0x2200 Invalid null value in condition", r"^error 0x2200 Invalid null value in condition",
     "Null as a bound of what a DELETE deletes"),
    (r"CAST\([cpr]\d AS ", r"^error 0x2200 \w+ cannot be cast to ", r"", "CAST of a clustering column with DESC"),
    (r"(\bc\d [<>=]+ |INSERT .*\bc\d\b.*)\(?-?[\d.]+ [-+*/%] ", r"^error 0x2200 Ambiguous '.' operation with args [^?]*:", r"^(done|columns)", "An operator between numbers in the place of a clustering column with DESC"),
    (r"^(?!.*(unset|\?)).*\) IN \(.*(''|\$\$\$\$|0x[,)]).* AND ", r"^error 0x2200 Invalid unset value for column c\d", r"^(done|columns)",
     "An empty value in a tuple of `(c, d) IN (…)`"),
    (r"\) IN \? AND .* -- (?!.*unset).*0x[0-9a-f]*00000000", r"^error 0x2200 Invalid unset value for column c\d", r"^(done|columns)",
     "An empty value in a tuple of `(c, d) IN (…)`"),
    (r"^INSERT .* JSON ", r"^error 0x1500 Operation failed", r"^error 0x2200 Expected \d+ byte", "INSERT JSON of an empty string into a tinyint"),
    (r"\+", r"Constants\$Value cannot be cast to class org\.apache\.cassandra\.cql3\.Lists\$Value|java\.lang\.ClassCastException$", r"^(done|columns)", "Unset that is appended to a list"),
    (r"DELETE [^;]*\[\?\].* -- .*unset", r"^error 0x1500 Operation failed", r"^done$", "Unset that is appended to a list"),
    (r"\[.*[-+*/%(]|[-+*/%(].*\[", r"Unexpected receiver type", r"Unexpected receiver type", "Which type is named when `[…]` stands"),
    (r"^ALTER TABLE .* DROP", r"it has dependent secondary indexes", r"it has dependent secondary indexes", "The order in which indexes are named"),
    (r"", r"^error 0x0000 (class|org\.apache) ?", r"^error ", "Where Cassandra answers with a Java exception"),
    (r"", r"^error 0x0000 java.lang.ClassCastException: class org.apache.cassandra.db.marshal.MapType", r"",
     "Collections in a clustering column with DESC"),
    (r"null", r"^error 0x1500 Operation failed", r"^error 0x2200", "Where Cassandra answers with a Java exception"),
    (r"^SELECT .*, c\d\) ([<>=]+|IN) .* -- ", r"^columns", r"^error 0x2200 (Expected \d|Not enough bytes to read)", "Each value in a bound tuple"),
    (r"0x", r"", r"^error 0x2200 (Expected digits behind the scale|.* is not a valid binary representation for type decimal)", "A decimal of a scale without digits"),
    (r" -- ", r"^error 0x0000 java.lang.NumberFormatException: Zero length BigInteger", r"", "Where Cassandra answers with a Java exception"),
    (r"GROUP BY .*floor\(.* LIMIT ", r"^(warning|columns)", r"^error 0x2200 The floor function starting time", "GROUP BY `floor(…)` beside LIMIT"),
    (r"GROUP BY", r"^error 0x1300 Operation failed", r"", "A function in GROUP BY that fails on a row"),
    (r"(\[.*\]|-=|= \w+ - ).* IN \(\)", r"^error 0x0000 java.lang.IndexOutOfBounds", r"^done", "A write to elements of lists of no partition"),
    (r" IF .* AND ", CONDITION, r"", "Which of several conditions is looked at first"),
    (r" IF .* AND ", r"", CONDITION, "Which of several conditions is looked at first"),
    (r"f\d: ", r"^error 0x2200 .*\{f\d", r"^error 0x2200 .*\{f\d", FIELDS),
    (r"\(\(u\d\)", r"^error 0x2200 Unknown type system\.u\d", r"", "a user-defined type that is named among the arguments of a native function"),
    (r"JSON", r"Error decoding JSON value for", r"Error decoding JSON value for", "Of several members of a JSON text"),
    (r"JSON", r"^error 0x2200 Unable to convert '.*' to a duration", r"Error decoding JSON value for", "Of several members of a JSON text"),
    (r"0x", r"cannot parse '\w+' as hex bytes", r"^error 0x2200", "A blob with half a byte"),
    (r" -- ", r"^(done|columns|error 0x0000|error 0x2200 (Expected \d|Batch with conditions cannot span))",
     r"^error 0x2200 Null value read when not allowed", "Nulls inside bound lists"),
    (r" JSON .*[\[,] ?\"\"", r"^done", r"^error 0x2200 Null value read when not allowed", "Nulls inside bound lists"),
    (r"FROM v\d .*token\(", r"[\]}] cannot be passed as argument \d of function system.token of type (frozen<u\d>|vector<)", r"",
     "A literal of a user-defined type or a vector in `token(…)` of a view"),
    (r"= \(", r"^error 0x0000 java.lang.ClassCastException: class org.apache.cassandra.cql3.Tuples|^error 0x2200 Invalid restrictions on clustering",
     r"^error 0x2200 Invalid tuple type literal for", "Where Cassandra answers with a Java exception"),
    (r"CONTAINS", r"Cannot use CONTAINS (KEY )?on non-(collection|map) column c", r"", "Collections in a clustering column with DESC"),
    (r"collection_|map_keys|map_values|similarity_", r"requires a .* argument, but found argument [cpr]\d of type (frozen<|vector<)", r"",
     "Collections in a clustering column with DESC"),
]
BY_STATIC_INDEX = "with an index on the static column `s` finds"
BY_DELETED_ELEMENTS = "`s CONTAINS x` with ALLOW FILTERING on a static collection"
BY_KEY_INDEX = "A secondary index on a column of the partition key finds partitions of nothing but static columns"
BY_CLUSTERING_INDEX = "A row with an index on a clustering column or a part of the partition key is found as long as it lives"
BY_TRUNCATED_INDEX = "What is written behind a TRUNCATE is found"
NOT_SELECTED = "A row that lives only by a column that is not selected"
LEFT_IN_VIEW = "A row of a view goes with its row of the table"
# Why Cassandra may miss rows that it has.
MISSED = (BY_STATIC_INDEX, BY_DELETED_ELEMENTS, BY_KEY_INDEX, BY_CLUSTERING_INDEX, BY_TRUNCATED_INDEX, NOT_SELECTED)
EQUAL_CLUSTERINGS = "Of clustering values that are equal and written differently"
LEGACY = "Functions that give back a `timeuuid`"
MAP_ELEMENTS = "compares elements of a map by the type of its values"
NO_VALUE = "A hexadecimal constant that is no value"
SLICED = "`SELECT m['a'], m['a'..]` gives the values of all entries"
LOG_10 = "`log10` of a decimal whose result is a whole number"
SUMS_BESIDE_STATICS = "`SET v = v + 1` beside conditions on static columns only"
# A pattern of the statement whose rows may come in another order, and the words of the line.
KNOWN_ORDERS = [(r"FROM v\d .*IN ", "IN on a partition key of a view")]


def reason_for(statement, theirs, ours):
    """Why the answers may differ, if it is known."""
    if sorted(theirs) == sorted(ours):
        return next((reason for of_statement, reason in KNOWN_ORDERS if re.search(of_statement, statement)), None)
    if reason := missing_reason(statement, theirs, ours):
        return reason
    if is_left_in_view(statement, theirs, ours):
        return LEFT_IN_VIEW
    if "log10(" in statement and same_numbers(theirs) == same_numbers(ours):
        return LOG_10
    if is_of_equal_clusterings(theirs, ours):
        return EQUAL_CLUSTERINGS
    if told_as_legacy(theirs, ours):
        return LEGACY
    if named_by_cast(statement, theirs, ours):
        return "CAST of a clustering column with DESC"
    if names_fields_in_other_order(theirs, ours):
        return FIELDS
    if compares_map_elements(statement, theirs, ours):
        return MAP_ELEMENTS
    if forgets_sliced(statement, theirs, ours):
        return SLICED
    if takes_narrow_operator(statement, theirs) or without_operands(theirs) == without_operands(ours):
        return OPERATORS
    if refuses_constant(statement, theirs, ours):
        return NO_VALUE
    if refuses_earlier_cast(statement, theirs, ours):
        return "CAST of a clustering column with DESC"
    if refuses_sum(statement, theirs, ours):
        return SUMS_BESIDE_STATICS
    theirs, ours = (strip(lines) for lines in (theirs, ours))
    for of_statement, of_theirs, of_ours, reason in KNOWN:
        if re.search(of_statement, statement) and re.search(of_theirs, theirs) and re.search(of_ours, ours):
            return reason
    return None


def refuses_sum(statement, theirs, ours):
    """True where a conditional batch with a sum is refused with other rows."""
    columns = [columns_of(lines) for lines in (theirs, ours) if any(line.startswith("columns ") for line in lines)]
    rows = [line for line in theirs + ours if line.startswith("row ")]
    return bool(
        re.match(r"BEGIN .*\b(r\d) = \1 \+ .* IF ", statement)
        and len(columns) == 2 and columns[0] == columns[1] and all(row.startswith("row False") for row in rows)
    )


def is_left_in_view(statement, theirs, ours):
    """True where Cassandra gives more rows of a view."""
    return bool(re.match(r"SELECT \* FROM v\d", statement) and rows_more(ours, theirs))


def same_numbers(lines):
    """An answer with decimals without zeros at their end."""
    return [re.sub(r"\.0+(?=[,\s}]|$)", "", line) for line in lines]


def named_by_cast(statement, theirs, ours):
    """True where a CAST of a clustering column to its own type names the column of the answer: in views, and of two types."""
    casts = r"\bcast\(([cpr]\d) as \w+\)" if re.search(r"FROM v\d", statement) else r"\bcast\((c\d) as (int|bigint)\)(?= \2\b)"
    theirs, ours = ([re.sub(casts, r"\1", line) for line in lines] for lines in (theirs, ours))
    return theirs == ours


def without_operands(lines):
    """An answer that does not say which types an operator failed with."""
    return [re.sub(r"the operation '\w+ (.) \w+' failed", r"\1 failed", line) for line in lines]


def told_as_legacy(theirs, ours):
    """True where columns, or markers of arguments, are a `timeuuid` here and of Cassandra's older class of it there: drivers do not
    know that class, and give back the bytes."""
    heads = ("prepared ", "columns ")
    legacy = "'org.apache.cassandra.db.marshal.LegacyTimeUUIDType'"
    plain = [line.replace(legacy, "timeuuid") if line.startswith(heads) else line for line in theirs]
    digits = lambda lines: [line if line.startswith(heads) else line.replace("0x", "").replace("-", "") for line in lines]
    return plain != theirs and digits(plain) == digits(ours)


def names_fields_in_other_order(theirs, ours):
    """True where only names of columns differ, by the order of what they repeat of a literal."""
    named = [(a, b) for a, b in zip(theirs, ours) if a != b]
    same = all(a.startswith("columns ") and "{f" in a and sorted(a) == sorted(b) for a, b in named)
    return len(theirs) == len(ours) and bool(named) and same


def compares_map_elements(statement, theirs, ours):
    """True where a condition on an element of a map decides: whoever does not apply it shows the column."""
    names = re.findall(r"\b([rsa]\d)\[", statement.partition(" IF ")[2])
    shown = [line for line in theirs + ours if line.startswith("columns [applied] boolean, ")]
    decided = any(f" {name} {frozen}map<" in line for name in names for frozen in ("", "frozen<") for line in shown)
    return decided or bool(names) and theirs[-1].startswith("error 0x0000 java.lang.IndexOutOfBounds")


def forgets_sliced(statement, theirs, ours):
    """True where elements of a map and slices of it are selected, and Cassandra's answer has null for what entries hold."""
    selected = re.match(r"SELECT (.*?) FROM ", statement)
    sliced = selected and re.search(r"\b([rsa]\d)\[.*\b\1\[", selected[1]) and ".." in selected[1]
    if not sliced or len(theirs) != len(ours) or theirs == ours:
        return False
    pattern = lambda line: re.sub(r"(?<=: )null(?=,|\\})", ".+", re.escape(line).replace(r"\ ", " "))
    return all(re.fullmatch(pattern(a), b) for a, b in zip(theirs, ours))


def takes_narrow_operator(statement, theirs):
    """True where Cassandra refuses an operand as no byte, short or int."""
    found = re.match(r"error 0x2200 Unable to make (?:byte|short|int) from '(-?\d+)'", theirs[-1])
    number = found and re.escape(found[1])
    return bool(number and re.search(rf"[-+*/%] \(*{number}\b|(?<![\d.]){number}\)* [-+*/%]", statement))


def refuses_earlier_cast(statement, theirs, ours):
    """Both refuse a CAST, Cassandra one of a column that stands before the one that cannot be."""
    told = [re.search(r"Invalid call to function system\.cast_as_(\w+),", lines[0]) for lines in (theirs, ours) if lines]
    if len(told) < 2 or None in told:
        return False
    # A partition key of a view may be a clustering column of its table.
    turned = r"[cp]\d" if re.search(r"FROM v\d", statement) else r"c\d"
    first, second = (re.search(rf"CAST\({operand} AS {found[1]}\)", statement) for found, operand in zip(told, [turned, ".*?"]))
    return bool(first and second) and first.end() < second.end()


def refuses_constant(statement, theirs, ours):
    """True where a constant is refused for its bytes. Those that are bound are checked by both, when the statement was prepared.
    Cassandra, which takes the bytes, may refuse something behind them."""
    refused = r"^error 0x2200 (Expected \d+ byte|Not enough bytes|Unexpected extraneous bytes)"
    taken = theirs[-1] == "done" or theirs[-1].startswith(("prepared ", "columns [applied]", "row ", "error 0x1500 "))
    text, mark, _ = statement.partition(" -- ")
    is_prepared = any(line.startswith("prepared ") for line in ours)
    goes_on = theirs[-1].startswith("error 0x2200 ") and not is_prepared
    if not (taken or goes_on) or not re.search(refused, ours[-1]):
        return False
    return "0x" in text if mark and is_prepared else "0x" in text or "'" in text


def is_of_equal_clusterings(theirs, ours):
    """True where nothing but clustering columns differ, and these only by zeros at the end of decimals."""
    if len(theirs) != len(ours) or not any(line.startswith("columns ") for line in ours):
        return False
    same = lambda text: re.sub(r"(\.\d*?)0+(?=[,\])}]|$)", r"\1", text).replace(".]", "]")
    names = [column.split()[0] for column in parts(columns_of(ours))]
    for their_line, our_line in zip(theirs, ours):
        if their_line == our_line:
            continue
        if not (their_line.startswith("row ") and our_line.startswith("row ")):
            return False
        for name, a, b in zip(names, parts(their_line[len("row "):]), parts(our_line[len("row "):])):
            if a != b and (not re.fullmatch(r"c\d", name) or same(a) != same(b)):
                return False
    return True


def columns_of(lines):
    return next(line for line in lines if line.startswith("columns "))[len("columns "):]


def missing_reason(statement, theirs, ours):
    """Why Cassandra may miss rows: of one partition by an index on a static column, partitions of nothing but static columns
    by an index on a part of the key, and those written behind a TRUNCATE by any index."""
    more = rows_more(theirs, ours)
    if more and (selected := re.match(r"SELECT (?!\*|JSON \*)(.*) FROM [tv]\d", statement)):
        # A masking function makes a value of null.
        if "mask_" in selected[1] or all("null" in parts(row) for row in more):
            return NOT_SELECTED
    where = re.match(r"SELECT (.*) FROM t\d WHERE (.*)", statement)
    if not more or not where:
        return None
    if re.search(r"\bc\d = ", where[2]) and not re.search(r"\bp\d = ", where[2]):
        return BY_CLUSTERING_INDEX
    keys = set(re.findall(r"\bp\d(?= (?:=|IN) )", where[2]))
    if keys and re.search(r"\bs\d (=|CONTAINS) ", where[2]):
        return BY_STATIC_INDEX
    if not keys and re.search(r"\bs\d CONTAINS (?!KEY).* ALLOW FILTERING$", where[2]):
        return BY_DELETED_ELEMENTS
    names = [column.split()[0] for column in parts(columns_of(ours))]
    partition = {name for name in names if re.fullmatch(r"p\d", name)}
    clustering = [place for place, name in enumerate(names) if re.fullmatch(r"c\d", name)]
    by_part = where[1] == "*" and keys and keys < partition and clustering
    if by_part and all(parts(row)[place] == "null" for row in more for place in clustering):
        return BY_KEY_INDEX
    if where[1] == "*" and keys and keys < partition:
        return BY_CLUSTERING_INDEX
    return BY_TRUNCATED_INDEX if not keys and re.search(r"\b[rsa]\d(\[.*\])? (=|CONTAINS) ", where[2]) else None


def fits_equalities(statement, ours):
    """False where rows of our answer have several values in a column that is restricted by `=`."""
    names = [column.split()[0] for column in parts(columns_of(ours))]
    rows = [parts(line[len("row "):]) for line in ours if line.startswith("row ")]
    restricted = set(re.findall(r"\b([pcsra]\d) = ", statement.partition(" WHERE ")[2]))
    return all(len({row[place] for row in rows}) < 2 for place, name in enumerate(names) if name in restricted)


def rows_more(theirs, ours):
    """The rows that only we have, where Cassandra's are the others in their order."""
    if not theirs[-1].startswith(("columns", "row")):
        return []
    left, more = list(theirs), []
    for line in ours:
        if left and line == left[0]:
            left.pop(0)
        else:
            more.append(line)
    return [] if left else [line[len("row "):] for line in more]


def parts(text):
    """What stands between the commas outside of brackets and quotes."""
    found, depth, quote = [""], 0, None
    for letter in text:
        if quote or letter in "'\"":
            quote = None if letter == quote else quote or letter
        else:
            depth += (letter in "([{<") - (letter in ")]}>")
        if letter == "," and not depth and not quote:
            found.append("")
        else:
            found[-1] += letter
    return [part.strip() for part in found]


def strip(lines):
    """An answer without what was told when the statement was prepared."""
    return "\n".join(line for line in lines if not line.startswith("prepared "))
