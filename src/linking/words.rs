//! Titles as words that are spelt alike: without articles, with digits for numbers, initials together.

use super::fold::fold;

/// Articles that catalogues put behind a comma.
const TRAILING: [&str; 33] = [
    "the", "a", "an", "la", "le", "les", "l", "el", "los", "las", "lo", "il", "i", "gli", "un",
    "une", "uno", "una", "ein", "eine", "der", "die", "das", "den", "det", "de", "het", "en",
    "ett", "o", "os", "as", "um",
];

/// Those that mean nothing at the start of a title either. ("Die Hard" is not about "Hard".)
const LEADING: [&str; 15] = [
    "the", "a", "an", "la", "le", "les", "el", "los", "las", "lo", "il", "un", "une", "der", "das",
];

/// Roman numerals that are no words and no initials.
const ROMAN: [(&str, &str); 15] = [
    ("ii", "2"),
    ("iii", "3"),
    ("iv", "4"),
    ("vi", "6"),
    ("vii", "7"),
    ("viii", "8"),
    ("ix", "9"),
    ("xi", "11"),
    ("xii", "12"),
    ("xiii", "13"),
    ("xiv", "14"),
    ("xv", "15"),
    ("xvi", "16"),
    ("xvii", "17"),
    ("xviii", "18"),
];

const WORDS: [&str; 12] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
];

/// The words of a title, and its article.
pub(super) fn words(title: &str) -> Option<(String, u8)> {
    let folded = fold(&article_first(title));
    let mut tokens = tokens(&folded);
    let number = |word: &str| {
        TRAILING
            .iter()
            .position(|a| *a == word)
            .map_or(0, |at| at as u8 + 1)
    };
    let article = match &tokens[..] {
        [first, _, ..] if LEADING.contains(&first.as_str()) => number(first),
        _ => 0,
    };
    if article > 0 {
        tokens.remove(0);
    }
    let text = match tokens.is_empty() {
        false => tokens.join(" "),
        // "???" is a name too.
        true => folded.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    (!text.is_empty()).then_some((text, article))
}

/// "Matrix, The" as "The Matrix".
fn article_first(title: &str) -> String {
    if let Some((name, last)) = title.rsplit_once(", ") {
        let article = fold(last.trim_end_matches(['\'', '’']));
        if TRAILING.contains(&article.trim()) {
            let gap = if last.ends_with(['\'', '’']) {
                ""
            } else {
                " "
            };
            return [last, gap, name].concat();
        }
    }
    title.to_owned()
}

fn tokens(folded: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut chars = folded.chars().peekable();
    while let Some(c) = chars.next() {
        let changes = |last: char| last.is_numeric() != c.is_numeric();
        if c.is_alphanumeric() {
            if word.chars().next_back().is_some_and(changes) {
                tokens.push(std::mem::take(&mut word));
            }
            word.push(c);
            continue;
        }
        let initial = c == '.'
            && word.chars().count() == 1
            && chars.peek().is_some_and(|n| n.is_alphabetic());
        let silent = matches!(c, '\'' | '’' | '‘' | '`' | '´' | 'ʻ' | 'ʼ');
        if initial {
            // "E.T." as "ET": the dots between initials are silent.
            let next = initials(&mut chars);
            match next.is_empty() {
                true => tokens.push(std::mem::take(&mut word)),
                false => word.push_str(&next),
            }
        } else if !silent {
            tokens.push(std::mem::take(&mut word));
            if matches!(c, '&' | '+') {
                tokens.push("and".to_owned());
            }
        }
    }
    tokens.push(word);
    tokens.retain(|token| !token.is_empty());
    tokens.iter_mut().for_each(spell_number);
    tokens
}

/// The letters of `T.` or `T.A.R.D.I.S.`, whose first letter and dot have been read.
fn initials(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut letters = String::new();
    loop {
        let mut ahead = chars.clone();
        match (ahead.next(), ahead.next()) {
            (Some(letter), Some('.')) if letter.is_alphabetic() => {
                letters.push(letter);
                *chars = ahead;
            }
            (Some(letter), next)
                if letter.is_alphabetic() && next.is_none_or(|n| !n.is_alphanumeric()) =>
            {
                letters.push(letter);
                chars.next();
                return letters;
            }
            _ => return letters,
        }
    }
}

fn spell_number(token: &mut String) {
    let roman = ROMAN.iter().find(|(roman, _)| roman == token);
    if let Some((_, digits)) = roman {
        *token = (*digits).to_owned();
    } else if let Some(at) = WORDS.iter().position(|word| word == token) {
        *token = (at + 1).to_string();
    }
}
