//! Questions to a STAC API.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;
use url::Url;

use super::crawl::{self, Crawl, MOST_IMAGES};
use super::fetch::Stop;
use super::store::{self, Trouble, of_status, scrubbed};
use super::{Patience, Search};

/// Pages of an answer, at most.
const MOST_PAGES: usize = 2000;
/// Items of a page that are asked for.
const PAGE: usize = 100;

/// One question and what it takes to repeat it.
#[derive(Clone, Debug, PartialEq)]
enum Question {
    Get(Url),
    Post(Url, Value),
}

impl Question {
    fn url(&self) -> &Url {
        match self {
            Self::Get(url) | Self::Post(url, _) => url,
        }
    }
}

impl Search {
    /// Checks what is asked.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn checked(&self) -> Result<(), String> {
        let [west, south, east, north] = self.bbox;
        if !self.bbox.iter().all(|v| v.is_finite())
            || south > north
            || south < -90.0
            || north > 90.0
            || !(-180.0..=180.0).contains(&west)
            || !(-180.0..=180.0).contains(&east)
        {
            return Err(format!(
                "bbox is {west},{south},{east},{north}, must be west,south,east,north in degrees"
            ));
        }
        Ok(())
    }
}

/// What an API answers, as items, page by page.
///
/// # Errors
/// Cause and remedy.
pub(crate) async fn search(
    search: &Search,
    patience: Patience,
    stop: Stop<'_>,
) -> Result<(Url, Crawl), Trouble> {
    search.checked().map_err(Trouble::Final)?;
    let api = Url::parse(&search.api).map_err(|e| Trouble::Final(format!("it is no address: {e}")))?;
    if !matches!(api.scheme(), "http" | "https") {
        return Err(Trouble::Final("a STAC API is at an address of http or https".to_owned()));
    }
    store::provider();
    let client = reqwest::Client::builder()
        .user_agent(store::AGENT)
        .connect_timeout(Duration::from_secs(10))
        .timeout(patience.idle.saturating_mul(2))
        .build()
        .map_err(|e| Trouble::Final(scrubbed(&e.to_string())))?;
    let asker = Asker { client, patience, stop };
    let place = asker.place(&api).await?;
    let (mut out, mut next, mut seen) =
        (Crawl::default(), Some(Question::Post(place.clone(), body(search))), BTreeSet::new());
    let mut pages = 0;
    while let Some(question) = next.take() {
        if !seen.insert(format!("{question:?}")) {
            break;
        }
        let page = match asker.ask(&question).await {
            // Some answer to GET alone.
            Err(Trouble::Final(_)) if pages == 0 && matches!(question, Question::Post(..)) => {
                let get = Question::Get(query(&place, search));
                seen.insert(format!("{get:?}"));
                asker.ask(&get).await.map(|page| (page, get))
            }
            other => other.map(|page| (page, question)),
        };
        let (page, asked) = page?;
        if page.get("features").and_then(Value::as_array).is_none() {
            return Err(Trouble::Final(
                "the answer is no ItemCollection; is it the address of a STAC API?".to_owned(),
            ));
        }
        // Links to other documents are not followed: what was asked for is in the answer.
        out.read(&page, asked.url(), &place, &mut VecDeque::new());
        pages += 1;
        next = follow(&page, &asked);
        if out.entries.len() > MOST_IMAGES || pages >= MOST_PAGES {
            return Err(Trouble::Final(format!(
                "the answer has more than {MOST_IMAGES} images or {MOST_PAGES} pages; ask for less: --bbox, --datetime, --collections"
            )));
        }
    }
    Ok((place, out))
}

/// The question for the next page, where there is one.
fn follow(page: &Value, asked: &Question) -> Option<Question> {
    let is_next = |l: &&Value| l.get("rel").and_then(Value::as_str) == Some("next");
    let link = page.get("links")?.as_array()?.iter().find(is_next)?;
    let url = asked
        .url()
        .join(link.get("href")?.as_str()?)
        .ok()
        .filter(|u| matches!(u.scheme(), "http" | "https"))?;
    let post = link.get("method").and_then(Value::as_str).is_some_and(|m| m.eq_ignore_ascii_case("POST"));
    if !post {
        return Some(Question::Get(url));
    }
    let more = link.get("body").cloned().unwrap_or_else(|| json!({}));
    let merge = link.get("merge").and_then(Value::as_bool).unwrap_or(false);
    let body = match (merge, asked, more) {
        (true, Question::Post(_, Value::Object(before)), Value::Object(more)) => {
            let mut all = before.clone();
            all.extend(more);
            Value::Object(all)
        }
        (_, _, more) => more,
    };
    Some(Question::Post(url, body))
}

fn body(search: &Search) -> Value {
    let mut body = json!({"bbox": search.bbox, "limit": PAGE});
    if let Some(datetime) = &search.datetime {
        body["datetime"] = json!(datetime);
    }
    if !search.collections.is_empty() {
        body["collections"] = json!(search.collections);
    }
    body
}

fn query(place: &Url, search: &Search) -> Url {
    let mut url = place.clone();
    let bbox = search.bbox.map(|v| v.to_string()).join(",");
    url.query_pairs_mut().append_pair("bbox", &bbox).append_pair("limit", &PAGE.to_string());
    if let Some(datetime) = &search.datetime {
        url.query_pairs_mut().append_pair("datetime", datetime);
    }
    if !search.collections.is_empty() {
        url.query_pairs_mut().append_pair("collections", &search.collections.join(","));
    }
    url
}

struct Asker<'a> {
    client: reqwest::Client,
    patience: Patience,
    stop: Stop<'a>,
}

impl Asker<'_> {
    /// Where the API answers questions: what its landing page links as `search`, else `/search` below it.
    async fn place(&self, api: &Url) -> Result<Url, Trouble> {
        if api.path().trim_end_matches('/').ends_with("/search") {
            return Ok(api.clone());
        }
        let landing = self.ask(&Question::Get(api.clone())).await?;
        let links = landing.get("links").and_then(Value::as_array);
        let named =
            links.into_iter().flatten().find(|l| l.get("rel").and_then(Value::as_str) == Some("search"));
        let href = named.and_then(|l| l.get("href")?.as_str());
        let found = href.and_then(|h| api.join(h).ok()).filter(|u| matches!(u.scheme(), "http" | "https"));
        Ok(found.unwrap_or_else(|| {
            let mut url = api.clone();
            url.set_path(&format!("{}/search", api.path().trim_end_matches('/')));
            url
        }))
    }

    async fn ask(&self, question: &Question) -> Result<Value, Trouble> {
        let mut tries = 0;
        loop {
            if (self.stop)() {
                return Err(Trouble::Stopped);
            }
            let said = match self.once(question).await {
                Err(Trouble::Passing(said)) => said,
                other => return other,
            };
            tries += 1;
            if tries >= self.patience.tries {
                return Err(Trouble::Final(format!("{said}, {tries} times in a row; try again later")));
            }
            sleep(
                self.patience
                    .first_pause
                    .saturating_mul(1 << (tries - 1).min(16))
                    .min(self.patience.longest_pause),
            )
            .await;
        }
    }

    async fn once(&self, question: &Question) -> Result<Value, Trouble> {
        let request = match question {
            Question::Get(url) => self.client.get(url.clone()),
            Question::Post(url, body) => self
                .client
                .post(url.clone())
                .header("content-type", "application/json")
                .body(body.to_string()),
        };
        let failed = |e: reqwest::Error| {
            let mut inner: &dyn std::error::Error = &e;
            while let Some(cause) = inner.source() {
                inner = cause;
            }
            Trouble::Passing(scrubbed(&inner.to_string()))
        };
        let mut answer = request
            .header("accept", "application/geo+json, application/json")
            .send()
            .await
            .map_err(failed)?;
        let status = answer.status();
        if !status.is_success() {
            return Err(of_status(status.as_u16(), None, "https"));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if (bytes.len() + chunk.len()) as u64 > 2 * crawl::LARGEST {
                return Err(Trouble::Final(
                    "the answer is too long; ask for less: --bbox, --datetime, --collections".to_owned(),
                ));
            }
            bytes.extend_from_slice(&chunk);
        }
        crawl::parse(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page() {
        let asked = Question::Post(
            Url::parse("https://h/search").unwrap(),
            json!({"bbox": [1, 2, 3, 4], "limit": 100}),
        );
        let page = |link: Value| json!({"features": [], "links": [{"rel": "self", "href": "x"}, link]});
        let get = follow(&page(json!({"rel": "next", "href": "/search?token=2"})), &asked);
        assert_eq!(get, Some(Question::Get(Url::parse("https://h/search?token=2").unwrap())));
        let merged = follow(
            &page(
                json!({"rel": "next", "method": "POST", "href": "search", "merge": true, "body": {"token": 2}}),
            ),
            &asked,
        );
        assert_eq!(
            merged,
            Some(Question::Post(
                asked.url().clone(),
                json!({"bbox": [1, 2, 3, 4], "limit": 100, "token": 2})
            ))
        );
        assert_eq!(follow(&page(json!({"rel": "next", "href": "file:///etc"})), &asked), None);
        assert_eq!(follow(&json!({"features": []}), &asked), None);
    }

    #[test]
    fn a_box_must_be_one() {
        let of = |bbox| Search { bbox, ..Search::default() }.checked();
        assert!(of([35.0, 51.0, 36.0, 52.0]).is_ok());
        assert!(of([35.0, 52.0, 36.0, 51.0]).unwrap_err().contains("west,south,east,north"));
        assert!(of([f64::NAN, 0.0, 1.0, 1.0]).is_err());
    }
}
