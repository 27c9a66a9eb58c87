//! Files that are not what they are said to be, or more than they seem.

use media::{FetchError, MediaType, Medium, Wanted};

use crate::{
    files,
    scene::{LIMITS, allowing, fetched, fetcher},
    server::{Says, Server, answer},
};

async fn type_of(medium: Medium, file: &[u8]) -> Result<MediaType, FetchError> {
    let server = Server::file(file).await;
    let allowed = allowing(&[&format!("http://{}", server.address)]);
    let result = fetched(&fetcher(LIMITS), &server.link(), medium, &allowed).await;
    result.map(|(media_type, arrived)| {
        assert_eq!(arrived, file);
        media_type
    })
}

#[tokio::test]
async fn what_people_send_arrives() {
    let docx = files::docx([("word/media/photo.png", files::png(9, 9).as_slice())]);
    let rows: [(Medium, Vec<u8>, MediaType); 10] = [
        (Medium::Picture, files::jpeg(600, 800), MediaType::Jpeg),
        (Medium::Picture, files::png(600, 800), MediaType::Png),
        (Medium::Picture, files::webp(600, 800), MediaType::Webp),
        (Medium::Document, files::PDF.to_vec(), MediaType::Pdf),
        (Medium::Document, docx, MediaType::Docx),
        (Medium::Document, files::odt(), MediaType::Odt),
        (Medium::Introduction, "Bonjour, je m'appelle… مرحبا\n".into(), MediaType::Text),
        (Medium::Introduction, files::PDF.to_vec(), MediaType::Pdf),
        (Medium::Video, files::mp4(), MediaType::Mp4),
        (Medium::Video, files::webm(), MediaType::Webm),
    ];
    for (medium, file, expected) in rows {
        assert_eq!(type_of(medium, &file).await, Ok(expected), "{medium:?}");
    }
}

#[tokio::test]
async fn a_type_is_told_by_bytes_and_has_to_suit() {
    let bare = files::zip([("notes.txt", b"nothing".as_slice())]);
    let both = files::docx([("mimetype", b"application/vnd.oasis.opendocument.text".as_slice())]);
    let rows: [(Medium, &[u8], FetchError); 17] = [
        (Medium::Picture, files::PDF, FetchError::Type),
        (Medium::Picture, files::GIF, FetchError::Type),
        (Medium::Picture, files::SVG, FetchError::Type),
        (Medium::Picture, files::HTML, FetchError::Type),
        (Medium::Picture, files::PROGRAM, FetchError::Type),
        (Medium::Picture, b"MZ\x90\0 a program of another system", FetchError::Type),
        (Medium::Picture, b"plain", FetchError::Type),
        (Medium::Document, files::HTML, FetchError::Type),
        (Medium::Document, files::PROGRAM, FetchError::Type),
        (Medium::Document, &files::mp4(), FetchError::Type),
        (Medium::Document, &bare, FetchError::Type),
        (Medium::Document, &both, FetchError::Type),
        (Medium::Video, files::PDF, FetchError::Type),
        (Medium::Video, &files::docx([]), FetchError::Type),
        (Medium::Introduction, files::HTML, FetchError::Type),
        (Medium::Introduction, b"caf\xe9", FetchError::Text),
        (Medium::Introduction, b"a\0b", FetchError::Text),
    ];
    for (number, (medium, file, expected)) in rows.into_iter().enumerate() {
        assert_eq!(type_of(medium, file).await, Err(expected), "row {number}");
    }
}

#[tokio::test]
async fn nobody_may_say_otherwise() {
    let rows = [
        ("application/pdf", None, Ok(MediaType::Pdf)),
        ("application/octet-stream", Some("application/pdf"), Ok(MediaType::Pdf)),
        ("text/html", None, Err(FetchError::Claim { found: MediaType::Pdf })),
        ("application/pdf", Some("image/jpeg"), Err(FetchError::Claim { found: MediaType::Pdf })),
    ];
    for (content_type, claim, expected) in rows {
        let server = Server::says(Says::Bytes(answer(content_type, files::PDF))).await;
        let allowed = allowing(&[&format!("http://{}", server.address)]);
        let wanted = Wanted { link: &server.link(), medium: Medium::Document, claim };
        let result = fetcher(LIMITS).open(wanted, &allowed).await.map(|arrival| arrival.media_type());
        assert_eq!(result, expected, "{content_type} {claim:?}");
    }
}

#[tokio::test]
async fn image_bombs_are_refused_by_their_headers() {
    let limit = LIMITS.content.pixels;
    let rows = [
        (files::png(1000, 1000), Ok(MediaType::Png)),
        (files::png(1001, 1000), Err(FetchError::Pixels { limit })),
        (files::png(u32::MAX, u32::MAX), Err(FetchError::Pixels { limit })),
        (files::jpeg(u16::MAX, u16::MAX), Err(FetchError::Pixels { limit })),
        (files::webp(16_383, 16_383), Err(FetchError::Pixels { limit })),
        (files::png(0, 1000), Err(FetchError::Damaged)),
        (files::png(10, 10)[..18].to_vec(), Err(FetchError::Damaged)),
        (b"\xff\xd8\xff\xe0".to_vec(), Err(FetchError::Damaged)),
    ];
    for (number, (file, expected)) in rows.into_iter().enumerate() {
        assert_eq!(type_of(Medium::Picture, &file).await, expected, "row {number}");
    }
}

#[tokio::test]
async fn archive_bombs_are_refused_by_what_they_hold() {
    let (zeros, half) = (vec![0; 5 << 20], vec![0; 1 << 19]);
    let limit_bytes = LIMITS.content.inflated_bytes;
    let names: Vec<_> = (0..60).map(|number| format!("word/{number}.xml")).collect();
    let bomb = files::docx([("word/bomb.xml", zeros.as_slice())]);
    let small = files::docx([("word/small.xml", half.as_slice())]);
    let rows = [
        (bomb.clone(), FetchError::Inflated { limit_bytes }),
        (files::lying(&bomb, 100), FetchError::Damaged),
        (files::lying(&small, 100), FetchError::Damaged),
        (files::overlapping(&small, 30), FetchError::Inflated { limit_bytes }),
        (files::overlapping(&files::docx([]), 60), FetchError::Entries { limit: LIMITS.content.entries }),
        (files::docx(names.iter().map(|name| (name.as_str(), b"".as_slice()))), FetchError::Entries { limit: 50 }),
        (files::encrypted(&small), FetchError::Packing),
        (files::docx([("word/vbaProject.bin", b"macro".as_slice())]), FetchError::Macros),
        (small[..small.len() - 30].to_vec(), FetchError::Damaged),
        (b"PK\x03\x04 and nothing else".to_vec(), FetchError::Damaged),
    ];
    for (number, (file, expected)) in rows.into_iter().enumerate() {
        assert_eq!(type_of(Medium::Document, &file).await, Err(expected), "row {number}");
    }
    assert_eq!(type_of(Medium::Document, &small).await, Ok(MediaType::Docx), "and what is no bomb arrives");
}
