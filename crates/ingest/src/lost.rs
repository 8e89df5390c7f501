//! What a folder lacks: metadata that cannot be read, items and lists whose images are not there.

use std::collections::BTreeSet;
use std::path::Path;

use crate::catalogue::Skipped;
use crate::job::{Job, own_names};
use crate::notes::{self, Address, Note};
use crate::order::Order;
use crate::remote::shown_address;

impl Order<'_> {
    /// Metadata that belong to images and cannot be read.
    pub fn broken(&self, jobs: &[Job]) -> Vec<Skipped> {
        let mut own = BTreeSet::new();
        for job in jobs {
            own.extend(own_names(&job.path).into_iter().map(|n| job.path.with_file_name(n)));
        }
        let with_images: BTreeSet<&Path> = jobs.iter().filter_map(|j| j.path.parent()).collect();
        let belongs = |path: &Path| {
            let ending =
                path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
            own.contains(path) || (ending != "json" && path.parent().is_some_and(|f| with_images.contains(f)))
        };
        self.notes
            .iter()
            .filter_map(|(path, note)| match note {
                Note::Broken(said) if belongs(path) => Some(Skipped {
                    path: path.clone(),
                    reason: format!(
                        "the metadata cannot be read ({said}), so the image is used without them; deliver them anew"
                    ),
                }),
                _ => None,
            })
            .collect()
    }

    /// Items and lists whose images are not there, and addresses that lead out of the folder.
    pub fn lost(&self, jobs: &[Job]) -> Vec<Skipped> {
        let all: BTreeSet<&Path> =
            self.listings.iter().flat_map(|l| &l.files).map(|f| f.path.as_path()).collect();
        let used: BTreeSet<&Path> = jobs.iter().map(|j| j.path.as_path()).collect();
        let mut own = BTreeSet::new();
        for path in &used {
            own.extend(own_names(path).into_iter().map(|n| path.with_file_name(n)));
        }
        let mut out = Vec::new();
        for (path, note) in self.notes {
            let mut say = |reason: String| out.push(Skipped { path: path.clone(), reason });
            let here = path.parent().unwrap_or(self.folder);
            match note {
                Note::Items(items) => {
                    for item in items {
                        let addresses: Vec<(&String, Address)> = item
                            .assets
                            .iter()
                            .filter(|href| looks_like_image(href))
                            .map(|href| (href, notes::address(href, here, self.folder)))
                            .collect();
                        for (href, _) in addresses.iter().filter(|(_, a)| *a == Address::Outside) {
                            say(format!(
                                "its asset {href:?} leads out of the folder and is not followed; name the folder that holds both"
                            ));
                        }
                        let name = |href: &str| href.rsplit(['/', '\\']).next().map(|n| here.join(n));
                        let there = |(href, address): &(&String, Address)| match address {
                            Address::Inside(image) => all.contains(image.as_path()),
                            _ => name(href).is_some_and(|p| all.contains(p.as_path())),
                        };
                        let inside = addresses.iter().find(|(_, a)| matches!(a, Address::Inside(_)));
                        if own.contains(path) || addresses.iter().any(there) {
                            continue;
                        }
                        if let Some((href, _)) = inside {
                            say(format!("its image {href:?} is missing; deliver it"));
                        } else if let Some((href, _)) = addresses.iter().find(|(_, a)| *a == Address::Remote)
                        {
                            say(format!(
                                "its image is not in the folder but at {}; name the STAC document in the place of the folder, or \
                                 download it",
                                shown_address(href)
                            ));
                        }
                    }
                }
                Note::Til(_) | Note::Dimap(..) => {
                    let files = match note {
                        Note::Til(files) => files.as_slice(),
                        // Of a product of several images the one that is compared.
                        Note::Dimap(_, groups) => {
                            self.shown_of(path, groups).or(groups.first()).map_or(&[][..], |g| &g.files)
                        }
                        _ => &[],
                    };
                    let missing: Vec<&String> =
                        files.iter().filter(|f| !all.contains(here.join(f).as_path())).collect();
                    if let Some(first) = missing.first() {
                        let more = match missing.len() {
                            1 => String::new(),
                            n => format!(" and {} more", n - 1),
                        };
                        say(format!(
                            "its tile {first:?}{more} is missing, so the image has a hole; deliver it"
                        ));
                    }
                }
                _ => {}
            }
        }
        out
    }
}

/// True for an address that ends like an image's.
fn looks_like_image(href: &str) -> bool {
    let ending = shown_address(href).rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    matches!(ending.as_str(), "tif" | "tiff" | "jp2" | "ntf" | "nitf" | "vrt")
}
