//! What a person and what a server reads.

use std::fmt::Write as _;

use crate::compare::{Check, Verdict};

/// A Markdown table for a pull request.
pub fn markdown(checks: &[Check]) -> String {
    let failed = checks.iter().filter(|c| c.worse().is_some()).count();
    let mut out = match failed {
        0 => "**Nothing got worse.**\n\n".to_owned(),
        1 => "**1 figure got worse.**\n\n".to_owned(),
        n => format!("**{n} figures got worse.**\n\n"),
    };
    out += "| | figure | before | after | change |\n| --- | --- | --- | --- | --- |\n";
    for c in checks {
        let mark = match c.verdict {
            Verdict::Fine => "ok",
            Verdict::Worse(_) => "worse",
            Verdict::NotCompared(_) => "not compared",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "| {mark} | {} | {} | {} | {} |", c.name, c.before, c.after, c.change);
    }
    for c in checks {
        if let Verdict::Worse(why) = &c.verdict {
            let _ = write!(out, "\n- {}: {why}", c.name);
        }
        if let Verdict::NotCompared(why) = &c.verdict {
            let _ = write!(out, "\n- {}, not compared: {why}", c.name);
        }
    }
    out.trim_end().to_owned() + "\n"
}

/// JUnit XML: a test case for each figure.
pub fn junit(checks: &[Check]) -> String {
    let failed = checks.iter().filter(|c| c.worse().is_some()).count();
    let skipped = checks.iter().filter(|c| c.not_compared().is_some()).count();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{n}\" failures=\"{failed}\">\n  \
         <testsuite name=\"fosse-bench\" tests=\"{n}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\">\n",
        n = checks.len()
    );
    for c in checks {
        let (name, said) = (escaped(&c.name), escaped(&format!("{} -> {}: {}", c.before, c.after, c.change)));
        let _ = write!(out, "    <testcase classname=\"fosse-bench\" name=\"{name}\">");
        let _ = match &c.verdict {
            Verdict::Worse(why) => write!(out, "<failure message=\"{}\">{said}</failure>", escaped(why)),
            Verdict::NotCompared(why) => write!(out, "<skipped message=\"{}\"/>", escaped(why)),
            Verdict::Fine => write!(out, "<system-out>{said}</system-out>"),
        };
        out += "</testcase>\n";
    }
    out + "  </testsuite>\n</testsuites>\n"
}

/// Text as XML takes it, in elements and in attributes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks() -> Vec<Check> {
        let check = |name: &str, verdict: Verdict| Check {
            name: name.into(),
            before: "1".into(),
            after: "2".into(),
            change: "+1".into(),
            verdict,
        };
        let (worse, elsewhere) =
            (Verdict::Worse("grew".into()), Verdict::NotCompared("rustc: 1 then".into()));
        vec![check("a < b & \"c\"", Verdict::Fine), check("d", worse), check("e", elsewhere)]
    }

    #[test]
    fn a_table_has_a_row_for_each_figure_and_says_why() {
        let text = markdown(&checks());
        assert!(text.starts_with("**1 figure got worse.**"), "{text}");
        assert!(
            text.contains("| ok | a < b & \"c\" | 1 | 2 | +1 |") && text.contains("\n- d: grew\n"),
            "{text}"
        );
        assert!(
            text.contains("| not compared | e |") && text.ends_with("- e, not compared: rustc: 1 then\n"),
            "{text}"
        );
    }

    #[test]
    fn xml_is_escaped_and_counts_failures() {
        let text = junit(&checks());
        assert!(text.contains("tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\""), "{text}");
        assert!(text.contains("name=\"e\"><skipped message=\"rustc: 1 then\"/></testcase>"), "{text}");
        assert!(text.contains("name=\"a &lt; b &amp; &quot;c&quot;\""), "{text}");
        assert!(text.contains("<failure message=\"grew\">1 -&gt; 2: +1</failure>"), "{text}");
    }
}
