//! SPARQL 1.1 Graph Store HTTP Protocol.

use super::formats::triples;
use super::{Served, encoded};
use oxigraph::io::RdfFormat;

const TURTLE: (&str, &str) = ("content-type", "text/turtle");
const ONE: &str = "<urn:a> <urn:p> 1 .";
const TWO: &str = "<urn:a> <urn:p> 2 . <urn:b> <urn:p> [] .";

fn size(served: &Served, path: &str) -> usize {
    let reply = served.get(path);
    assert_eq!(reply.status, 200);
    triples(RdfFormat::Turtle, reply.text()).unwrap().len()
}

#[test]
fn a_graph_is_put_got_added_to_and_deleted() {
    let served = Served::new(&[]);
    for path in [
        "/store?graph=urn:g",
        "/store?default",
        "/store/people/1.ttl",
    ] {
        let default = path == "/store?default";
        let first = served.send("PUT", path, &[TURTLE], ONE);
        assert_eq!((first.status, first.text()), (201, ""), "{path}");
        assert_eq!(size(&served, path), 1);
        assert_eq!(served.send("PUT", path, &[TURTLE], TWO).status, 204);
        assert_eq!(size(&served, path), 2);
        assert_eq!(served.send("POST", path, &[TURTLE], ONE).status, 204);
        assert_eq!(size(&served, path), 3);
        let head = served.send("HEAD", path, &[], "");
        assert_eq!((head.status, head.text()), (200, ""));
        assert_eq!(head.header("content-type"), "text/turtle");
        assert_eq!(served.send("DELETE", path, &[], "").status, 204);
        match default {
            true => assert_eq!(size(&served, path), 0),
            false => assert!(!served.get(path).problem(404).is_empty()),
        }
        let again = served.send("DELETE", path, &[], "").status;
        assert_eq!(again, if default { 204 } else { 404 });
    }
}

#[test]
fn graphs_come_and_go_in_every_format() {
    let served = Served::new(&[]);
    let json_ld = RdfFormat::JsonLd {
        profile: Default::default(),
    };
    for format in [
        RdfFormat::Turtle,
        RdfFormat::NTriples,
        RdfFormat::NQuads,
        RdfFormat::TriG,
        RdfFormat::RdfXml,
        json_ld,
    ] {
        let mut writer = oxigraph::io::RdfSerializer::from_format(format).for_writer(Vec::new());
        for triple in triples(RdfFormat::Turtle, TWO).unwrap() {
            writer.serialize_triple(triple.as_ref()).unwrap();
        }
        let document = String::from_utf8(writer.finish().unwrap()).unwrap();
        let media = format.media_type();
        let put = served.send(
            "PUT",
            "/store?graph=urn:g",
            &[("content-type", media)],
            &document,
        );
        assert!([201, 204].contains(&put.status), "{media}: {:?}", put.body);
        let got = served.send("GET", "/store?graph=urn:g", &[("accept", media)], "");
        assert_eq!(got.header("content-type"), media);
        assert_eq!(triples(format, got.text()).unwrap().len(), 2, "{media}");
    }
}

#[test]
fn posting_to_the_store_makes_a_graph() {
    let served = Served::new(&[]);
    let reply = served.send("POST", "/store", &[TURTLE], "<> <urn:p> 1 .");
    assert_eq!(reply.status, 201);
    let place = reply.header("location");
    let path = place.strip_prefix(&served.url("")).unwrap();
    // A relative IRI is resolved against the graph's own.
    assert_eq!(
        served.count(&format!("GRAPH <{place}> {{ <{place}> <urn:p> 1 }}")),
        1
    );
    assert_eq!(size(&served, path), 1);
}

#[test]
fn what_was_imported_is_in_the_store_too() {
    let served = Served::new(&[]);
    let source = encoded("https://example.org/shop/source/products.csv");
    let path = format!("/store?graph={source}");
    let before = served.count("GRAPH <https://example.org/shop/source/products.csv> { ?s ?p ?o }");
    assert_eq!(size(&served, &path) as u64, before);
    assert_eq!(served.send("PUT", &path, &[TURTLE], ONE).status, 204);
    assert_eq!(size(&served, &path), 1);
    assert_eq!(served.count("?i schema:brand ?b"), 0);
}

#[test]
fn what_is_malformed_changes_nothing() {
    let served = Served::new(&[]);
    served.send("PUT", "/store?graph=urn:g", &[TURTLE], ONE);
    let virtual_triple = "<urn:a> <https://w3id.org/kenning#interacted> <urn:b> .";
    let quads = [("content-type", "application/n-quads")];
    for (status, reply) in [
        (
            400,
            served.send("PUT", "/store?graph=urn:g", &[TURTLE], "<urn:a> <urn:p> ."),
        ),
        (
            400,
            served.send("PUT", "/store?graph=urn:g", &[TURTLE], virtual_triple),
        ),
        (
            400,
            served.send(
                "POST",
                "/store?graph=urn:g",
                &quads,
                "<urn:a> <urn:b> <urn:c> <urn:d> .",
            ),
        ),
        (400, served.send("PUT", "/store?graph=g", &[TURTLE], ONE)),
        (400, served.send("PUT", "/store", &[TURTLE], ONE)),
        (
            400,
            served.send("PUT", "/store?default&graph=urn:g", &[TURTLE], ONE),
        ),
        (400, served.get("/store")),
        (404, served.get("/store?graph=urn:never")),
        (
            405,
            served.send("PATCH", "/store?graph=urn:g", &[TURTLE], ONE),
        ),
        (
            406,
            served.send("GET", "/store?graph=urn:g", &[("accept", "image/png")], ""),
        ),
        (
            415,
            served.send(
                "PUT",
                "/store?graph=urn:g",
                &[("content-type", "image/png")],
                ONE,
            ),
        ),
    ] {
        assert!(!reply.problem(status).is_empty());
    }
    assert_eq!(size(&served, "/store?graph=urn:g"), 1);
    let detail = served
        .send(
            "PUT",
            "/store?graph=urn:g",
            &[TURTLE],
            "<urn:a>\n <urn:p> .",
        )
        .json();
    assert_eq!(detail["place"], "the body:2:10");
}

#[test]
fn a_form_brings_several_documents() {
    let served = Served::new(&[]);
    let kind = [("content-type", "multipart/form-data; boundary=\"xyz\"")];
    let form = "--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: text/turtle\r\n\r\n\
                <urn:a> <urn:p> 1 .\r\n--xyz\r\ncontent-type: application/n-triples\r\n\r\n\
                <urn:a> <urn:p> <urn:b> .\r\n--xyz--\r\n";
    assert_eq!(
        served
            .send("POST", "/store?graph=urn:g", &kind, form)
            .status,
        204
    );
    assert_eq!(size(&served, "/store?graph=urn:g"), 2);
    served
        .send("POST", "/store?graph=urn:g", &kind, "--xyz--")
        .problem(400);
    let unknown = form.replace("text/turtle", "image/png");
    served
        .send("POST", "/store?graph=urn:h", &kind, &unknown)
        .problem(415);
    served.get("/store?graph=urn:h").problem(404);
}
