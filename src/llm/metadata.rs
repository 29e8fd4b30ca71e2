//! What a GGUF file says of its model.

use crate::error::{Error, Result};
use candle_core::quantized::gguf_file::{Content, TensorInfo, Value};

/// A whole number above 0 that the metadata of a model of an architecture must have.
pub fn number(content: &Content, family: &str, key: &str) -> Result<usize> {
    let key = format!("{family}.{key}");
    match content.metadata.get(&key) {
        Some(Value::U32(n)) if *n > 0 => Ok(*n as usize),
        Some(Value::U64(n)) if *n > 0 && *n <= u64::from(u32::MAX) => Ok(*n as usize),
        Some(other) => Err(Error::corrupt(format!("`{key}` is {other:?}"))),
        None => Err(Error::corrupt(format!(
            "`{key}` is missing from the metadata"
        ))),
    }
}

/// A finite number that they must have.
pub fn float(content: &Content, family: &str, key: &str) -> Result<f32> {
    let key = format!("{family}.{key}");
    match content.metadata.get(&key) {
        Some(Value::F32(x)) if x.is_finite() => Ok(*x),
        Some(other) => Err(Error::corrupt(format!("`{key}` is {other:?}"))),
        None => Err(Error::corrupt(format!(
            "`{key}` is missing from the metadata"
        ))),
    }
}

/// How many tokens the tokenizer in the file has.
pub fn tokens(content: &Content) -> Result<usize> {
    match content.metadata.get("tokenizer.ggml.tokens") {
        Some(Value::Array(tokens)) if !tokens.is_empty() => Ok(tokens.len()),
        _ => Err(Error::corrupt(
            "`tokenizer.ggml.tokens` is missing from the metadata",
        )),
    }
}

/// Fails unless there is a tensor with these dimensions.
pub fn expect(content: &Content, name: &str, dimensions: &[usize]) -> Result<()> {
    match content.tensor_infos.get(name) {
        Some(info) if info.shape.dims() == dimensions => Ok(()),
        Some(info) => Err(Error::corrupt(format!(
            "tensor `{name}` has dimensions {:?}; the metadata want {dimensions:?}",
            info.shape.dims()
        ))),
        None => Err(Error::corrupt(format!("tensor `{name}` is missing"))),
    }
}

/// The same once more.
pub fn copy(content: &Content) -> Content {
    let copy = |(name, info): (&String, &TensorInfo)| {
        let info = TensorInfo {
            ggml_dtype: info.ggml_dtype,
            shape: info.shape.clone(),
            offset: info.offset,
        };
        (name.clone(), info)
    };
    Content {
        magic: content.magic,
        metadata: content.metadata.clone(),
        tensor_infos: content.tensor_infos.iter().map(copy).collect(),
        tensor_data_offset: content.tensor_data_offset,
    }
}
