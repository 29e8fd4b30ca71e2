//! The shapes that come with Kenning.

/// Name and Turtle text of each document of `ontologies/shapes`.
pub const SHIPPED: &[(&str, &str)] = &[
    ("core", include_str!("../../ontologies/shapes/core.ttl")),
    ("films", include_str!("../../ontologies/shapes/films.ttl")),
    (
        "products",
        include_str!("../../ontologies/shapes/products.ttl"),
    ),
    ("media", include_str!("../../ontologies/shapes/media.ttl")),
];
