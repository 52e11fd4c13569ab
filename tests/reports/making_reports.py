"""Reports to render: a plain one, one full of what attacks each format, and any that hypothesis thinks of."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from evals.reports.report import (
    Answered,
    Category,
    Cost,
    FlippedCase,
    Noise,
    Passage,
    Report,
    Side,
)

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</details></code></pre><h1>owned</h1>",
    "](https://evil.example) [click](javascript:alert(1)) ![x](https://evil.example/p.png)",
    "@octocat please merge #1 GH-1 octo/cat#2 https://evil.example www.evil.example a@evil.example",
    "````\n```\n# heading\n| a | b |\n- [ ] task <!-- x -->",
    "``x`` | y \\| z ` | `",
    '=HYPERLINK("https://evil.example")',
    "\t=1+1",
    "@SUM(1)\n-2",
    "]]> <![CDATA[ &xxe; <!ENTITY x> \x00\x0b\x1b]52;c;ZXZpbA==\x07 \ufffe\uffff \ud800 \u202eevil\u200b",
    "a\r\nb\u2028c\x85d",
    "   ",
    "",
)


def a_report(text: str = "plain", *, word: str = "block", flips: int = 2) -> Report:
    """A report whose every foreign text is `text`."""
    answer = Answered(1.0, (1.0, 1.0), text, (text, text), (Passage(text, text, text),), text)
    worse = Answered(0.0, (0.0, 0.0), text, (text,), (), None)
    judged = Category("evals/support", text, word, 0.8, 0.9, -0.1, -0.154, -0.046, 0.02, 60, 3, text)  # type: ignore[arg-type]
    well = Category("evals/support", "tone", "pass", 0.9, None, None, None, None, 0.02, 60, 1, "passed")
    flipped = FlippedCase("evals/support", text, text, "block", (text,), text, answer, worse)
    return Report(
        word=word,  # type: ignore[arg-type]
        at=AT,
        candidate=Side("r2", f"sha256:{'a' * 64}", (("prompt/support", "v2"),)),
        baseline=Side("r1", f"sha256:{'b' * 64}", (("prompt/support", "v1"),)),
        tier="full",
        reasons=(text,),
        categories=(judged, well),
        flips=(flipped,) * flips,
        cost=Cost(60, 240, 1, 120, 1_000, 90, 0.25, 12.5),
        noise=(Noise("evals/support", text, "baseline", 3, 0.01, False),),
        digests=((text, f"sha256:{'c' * 64}"),),
        verdict="01K00000000000000000000000",
    )


foreign = st.one_of(
    st.sampled_from(ATTACKS),
    st.text(alphabet=st.characters(), max_size=60),
    st.lists(st.sampled_from(["`", "~", "|", "\\", "<", ">", "&", "@", "\n", "a", " ", "]", '"', "="])).map(
        "".join
    ),
)
"""What a model might answer."""
