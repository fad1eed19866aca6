"""Rule L4: whole words, case-insensitive, the last one a prefix; nothing typed is an operator."""

import pytest

from backends.base import Storage
from backends.records import LogQuery
from leflux.contract.kit import OTHER_SITE, SITE, drain, make_entry, say, started


async def found(storage: Storage, words: str) -> list[str]:
    page = await storage.log.sessions(SITE, LogQuery(words=words))
    return sorted(session.session_id for session in page.sessions)


@pytest.mark.parametrize(
    ("words", "matches"),
    [
        ("shipping", True),
        ("SHIPPING Cost", True),
        ("cost shipping", True),
        ("what does shipping cost", True),
        ("ship", True),
        ("what ship", True),
        ("s", True),
        ("ship what", False),
        ("shippings", False),
        ("hipping", False),
        ("shipping refund", False),
        ("99", True),
        ("990", False),
        ("4 99", True),
    ],
)
async def test_l4_every_word_stands_in_the_message_and_the_last_may_be_a_prefix(
    storage: Storage, words: str, matches: bool
) -> None:
    await storage.log.append([make_entry("s-1", text="What does Shipping cost? 4.99!")])
    assert await found(storage, words) == (["s-1"] if matches else [])


async def test_l4_all_words_stand_in_one_message(storage: Storage) -> None:
    await storage.log.append([make_entry("s-1", 1, "red lamp"), make_entry("s-1", 2, "blue chair")])
    await storage.log.append([make_entry("s-2", 1, "blue lamp")])
    assert await found(storage, "blue lamp") == ["s-2"]
    assert await found(storage, "lamp") == ["s-1", "s-2"]


@pytest.mark.parametrize("nothing", ["", "   ", "\t\n", "\u200b"])
async def test_l4_a_query_without_a_word_lists_everything(storage: Storage, nothing: str) -> None:
    await storage.log.append([make_entry("s-1", text="one"), make_entry("s-2", text="two")])
    assert await found(storage, nothing) == ["s-1", "s-2"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("cats AND dogs", ["s-and"]),
        ("cats OR dogs", []),
        ("NOT dogs", []),
        ("cats NEAR dogs", []),
        ('"cats" "dogs"', ["s-and", "s-plain"]),
        ('cats" OR "x', []),
        ("text:cats", []),
        ("cats*", ["s-and", "s-plain"]),
        ("ca*", ["s-and", "s-plain"]),
        ("^cats", ["s-and", "s-plain"]),
        ("-cats", ["s-and", "s-plain"]),
        ("cats+dogs", ["s-and", "s-plain"]),
        ("(cats dogs)", ["s-and", "s-plain"]),
        ("cats'; DROP TABLE sessions; --", []),
        ("cats%", ["s-and", "s-plain"]),
        ("cats_dogs", ["s-and", "s-plain"]),
        ("c.ts", []),
        ("{cats}", ["s-and", "s-plain"]),
        ("cats\\dogs", ["s-and", "s-plain"]),
        ("@text:{cats}", []),
    ],
)
async def test_l4_nothing_typed_is_an_operator(storage: Storage, words: str, expected: list[str]) -> None:
    await storage.log.append([make_entry("s-plain", text="cats & dogs"), make_entry("s-and", text="cats and dogs")])
    assert await found(storage, words) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Größe M bitte", "größe"),
        ("Größe M bitte", "GRÖSSE"),
        ("STRASSE", "straße"),
        ("ΟΔΟΣ", "οδος"),
        ("οδός", "ΟΔΌΣ"),
        ("İstanbul", "İSTANBUL"),
        ("сколько стоит доставка", "Сколько дост"),
        ("配送料はいくらですか", "配送料"),
        ("كم تكلفة الشحن", "الشحن"),
        ("Cafe\u0301 crème", "café"),
        ("café", "cafe\u0301"),
        ("a\u2028b\u00a0c", "a b c"),
        ("𝒳2 model", "model"),
        ("🧭lamp🧭", "lamp"),
        ("٣ قطع", "٣"),
        ("\U0001e900\U0001e901 hello", "\U0001e922\U0001e923"),
    ],
)
async def test_l4_words_of_every_script_are_found_whatever_their_case(storage: Storage, text: str, words: str) -> None:
    await storage.log.append([make_entry("s-1", text=text), make_entry("s-2", text="nothing of it")])
    assert await found(storage, words) == ["s-1"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Wann öffnet Köln?", "koln"),
        ("wann offnet koln", "Köln"),
        ("café crème", "cafe creme"),
        ("cafe creme", "café crème"),
        ("Łódź, Ørsted, İzmir, cœur", "lodz orsted izmir coeur"),
        ("λόγος", "ΛΟΓΟΣ"),
        ("ещё", "еще"),
        ("ｶｰﾄﾞ ＡＢＣ", "カード abc"),
        ("مُحَمَّد", "محمد"),
    ],
)
async def test_l4_accents_and_widths_make_no_difference(storage: Storage, one: str, other: str) -> None:
    await storage.log.append([make_entry("s-1", text=one), make_entry("s-2", text="nothing of it")])
    assert await found(storage, other) == ["s-1"]


@pytest.mark.parametrize(
    ("text", "inside", "absent"),
    [
        (
            "東京の配送料はいくらですか",
            ["配送料", "京", "いくら", "東京 いくら", "料"],
            ["大阪", "送配", "配送日", "犬"],
        ),
        ("パスワードを忘れました", ["ワード", "忘れ", "パスワード 忘"], ["ハス", "ワート"]),
        ("请问运费是多少？", ["运费", "多少", "费"], ["运多", "邮"]),
        ("배송비는 얼마예요?", ["배송", "송비", "얼마", "배송비 얼마"], ["환불", "비배"]),
        ("ค่าจัดส่งเท่าไหร่ครับ", ["จัดส่ง", "เท่าไหร่", "ค่า"], ["คืนเงิน"]),
        ("iPhone用の充電器 3個", ["充電", "iphone", "iphone 充電", "3個"], ["android", "電充"]),
    ],
)
async def test_l4_scripts_without_spaces_are_found_by_any_part(
    storage: Storage, text: str, inside: list[str], absent: list[str]
) -> None:
    await storage.log.append([make_entry("s-1", text=text), make_entry("s-2", text="犬 nothing of it 邮 환자 คน")])
    assert {query: await found(storage, query) for query in inside} == {query: ["s-1"] for query in inside}
    assert [query for query in absent if "s-1" in await found(storage, query)] == []


@pytest.mark.parametrize("symbol", ["😀", "👍🏽", "🇩🇪", '"', "“", "?", "*", "'", "_", "€", "%", "\\", "、", "…"])
async def test_l4_a_symbol_finds_just_what_contains_it(storage: Storage, symbol: str) -> None:
    await storage.log.append([make_entry("s-1", text=f"well {symbol} then"), make_entry("s-2", text="well ☂ then!")])
    assert await found(storage, symbol) == ["s-1"]
    assert await found(storage, f"well{symbol}then") == (["s-1"] if symbol[0] in "😀👍🇩" else ["s-1", "s-2"])


async def test_l4_a_word_of_five_thousand_letters_is_stored_and_found(any_storage: Storage) -> None:
    ref = await started(any_storage)
    await say(any_storage, ref, "x" * 5_000)
    await say(any_storage, ref, "ordinary words")
    await drain(any_storage)
    assert await found(any_storage, "ordinary") == [ref.session_id]
    assert await found(any_storage, "xxx") == [ref.session_id]


async def test_l4_a_message_of_a_thousand_words_is_found_by_its_last(any_storage: Storage) -> None:
    ref = await started(any_storage)
    await say(any_storage, ref, " ".join(f"w{number}" for number in range(1_000)))
    await drain(any_storage)
    assert await found(any_storage, "w999") == [ref.session_id]
    assert await found(any_storage, "w0 w500 w99") == [ref.session_id]


async def test_l4_a_search_pages_and_is_bounded_like_a_listing(storage: Storage) -> None:
    for number in range(9):
        text = "lamp" if number % 2 else "chair"
        await storage.log.append([make_entry(f"s-{number}", text=text, ts=1_700_000_000_000 + number)])
    await storage.log.append([make_entry("s-other", text="lamp", site_id=OTHER_SITE)])
    query, seen = LogQuery(words="la", end=1_700_000_000_006, limit=2), list[str]()
    while True:
        page = await storage.log.sessions(SITE, query)
        seen += [session.session_id for session in page.sessions]
        if page.next_cursor is None:
            break
        query = LogQuery("la", None, 1_700_000_000_006, page.next_cursor, 2)
    assert seen == ["s-5", "s-3", "s-1"]
