//! What neural networks do number by number, as wide as the processor allows: candle's own go one by one.
//!
//! The exponential splits off a power of two (Cody & Waite 1980) and is a polynomial in the rest, the error function is
//! formula 7.1.26 of Abramowitz & Stegun (1964), off by 1.5e-7 at most. Nothing depends on the numbers beside it: a row gives
//! the same bits whatever the other rows are, and whatever threads there are.

use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout, Result, Tensor, bail};
use pulp::Arch;
use rayon::prelude::*;
use std::f32::consts::{FRAC_1_SQRT_2, LOG2_E};

/// Numbers that are worth a thread of their own.
const SHARE: usize = 16 * 1024;
/// Numbers that are summed up side by side.
const LANES: usize = 16;

/// Gaussian error linear units (Hendrycks & Gimpel 2016) of all numbers, in place: `x · Φ(x)`.
pub fn gelu(x: &Tensor) -> Result<()> {
    x.inplace_op1(&Gelu)
}

/// `gate · σ(gate) · up` in place of `gate` (Shazeer 2020, SwiGLU). Both have the same dimensions.
pub fn swiglu(gate: &Tensor, up: &Tensor) -> Result<()> {
    gate.inplace_op2(up, &Swiglu)
}

/// Softmax along the last dimension, in place.
pub fn softmax(x: &Tensor) -> Result<()> {
    x.inplace_op1(&Softmax)
}

/// The same of what a mask is added to: its rows belong to the rows of `x` in turn.
pub fn masked_softmax(x: &Tensor, mask: &Tensor) -> Result<()> {
    x.inplace_op2(mask, &Softmax)
}

struct Gelu;
struct Swiglu;
struct Softmax;

impl InplaceOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let numbers = numbers_mut(storage, layout)?;
        by_parts(numbers, SHARE, |_, part| {
            Arch::new().dispatch(|| part.iter_mut().for_each(|x| *x = gelu_of(*x)));
        });
        Ok(())
    }
}

impl InplaceOp2 for Swiglu {
    fn name(&self) -> &'static str {
        "swiglu"
    }

    fn cpu_fwd(
        &self,
        storage: &mut CpuStorage,
        layout: &Layout,
        other: &CpuStorage,
        other_layout: &Layout,
    ) -> Result<()> {
        let (gates, ups) = (numbers_mut(storage, layout)?, numbers(other, other_layout)?);
        if gates.len() != ups.len() {
            bail!("{} gates, {} numbers", gates.len(), ups.len());
        }
        by_parts(gates, SHARE, |first, gates| {
            let both = gates.iter_mut().zip(&ups[first..]);
            Arch::new().dispatch(|| {
                both.for_each(|(gate, up)| *gate = *gate / (1.0 + exp(-*gate)) * up);
            });
        });
        Ok(())
    }
}

impl InplaceOp1 for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let width = width(layout);
        by_parts(
            numbers_mut(storage, layout)?,
            width * rows(width),
            |_, part| {
                Arch::new().dispatch(|| part.chunks_mut(width).for_each(softmax_of));
            },
        );
        Ok(())
    }
}

impl InplaceOp2 for Softmax {
    fn name(&self) -> &'static str {
        "masked softmax"
    }

    fn cpu_fwd(
        &self,
        storage: &mut CpuStorage,
        layout: &Layout,
        other: &CpuStorage,
        other_layout: &Layout,
    ) -> Result<()> {
        let width = width(layout);
        let (scores, mask) = (numbers_mut(storage, layout)?, numbers(other, other_layout)?);
        let fits = self::width(other_layout) == width && !mask.is_empty();
        if !fits || !scores.len().is_multiple_of(mask.len()) {
            bail!(
                "a mask of {:?} for {:?}",
                other_layout.dims(),
                layout.dims()
            );
        }
        by_parts(scores, width * rows(width), |first, part| {
            Arch::new().dispatch(|| {
                for (at, row) in part.chunks_mut(width).enumerate() {
                    let mask = &mask[(first + at * width) % mask.len()..];
                    row.iter_mut().zip(mask).for_each(|(x, mask)| *x += mask);
                    softmax_of(row);
                }
            });
        });
        Ok(())
    }
}

/// Does something with all numbers: part by part, each with the place of its first; with many on more threads.
fn by_parts(numbers: &mut [f32], size: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
    match numbers.len() <= size {
        true => work(0, numbers),
        false => {
            let parts = numbers.par_chunks_mut(size).enumerate();
            parts.for_each(|(place, part)| work(place * size, part));
        }
    }
}

/// Rows of so many numbers that are worth a thread of their own.
fn rows(width: usize) -> usize {
    (SHARE / width).max(1)
}

fn width(layout: &Layout) -> usize {
    layout.dims().last().copied().unwrap_or(1).max(1)
}

fn numbers_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(numbers), Some((from, to))) => Ok(&mut numbers[from..to]),
        _ => bail!("not contiguous numbers of 32 bits"),
    }
}

fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(numbers), Some((from, to))) => Ok(&numbers[from..to]),
        _ => bail!("not contiguous numbers of 32 bits"),
    }
}

/// `x · Φ(x)`, by what is missing to `max(x, 0)`, so that nothing cancels out below 0.
#[inline(always)]
fn gelu_of(x: f32) -> f32 {
    let z = x.abs() * FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let tail = t
        * (0.254_829_6
            + t * (-0.284_496_74 + t * (1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4))));
    x.max(0.0) - 0.5 * x.abs() * tail * exp(-z * z)
}

#[inline(always)]
fn softmax_of(row: &mut [f32]) {
    let most = folded(row, f32::NEG_INFINITY, f32::max);
    row.iter_mut().for_each(|x| *x = exp(*x - most));
    let share = 1.0 / folded(row, 0.0, |a, b| a + b);
    row.iter_mut().for_each(|x| *x *= share);
}

#[inline(always)]
fn folded(row: &[f32], start: f32, both: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [start; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        let pairs = lanes.iter_mut().zip(chunk);
        pairs.for_each(|(lane, x)| *lane = both(*lane, *x));
    }
    let pairs = lanes.iter_mut().zip(rest);
    pairs.for_each(|(lane, x)| *lane = both(*lane, *x));
    lanes.into_iter().fold(start, both)
}

/// The exponential; 0 below -87, where numbers stop to be normal, and that of 88 above 88.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// Added to a number, it leaves the nearest integer in the last bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let bounded = if x > 88.0 { 88.0 } else { x };
    let shifted = bounded * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = bounded - n * LN_2[0] - n * LN_2[1];
    let polynomial = 1.0
        + r * (1.0
            + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r / 720.0)))));
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    if x < -87.0 { 0.0 } else { polynomial * power }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    fn numbers() -> Vec<f32> {
        (-4000..4000).map(|n| n as f32 / 100.0).collect()
    }

    #[test]
    fn exponentials_are_those_of_the_library() {
        for x in (-870..880).map(|n| n as f32 / 10.0) {
            let (ours, exact) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((ours / exact - 1.0).abs() < 6e-7, "{x}: {ours} {exact}");
        }
        assert_eq!([exp(f32::NEG_INFINITY), exp(0.0)], [0.0, 1.0]);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn units_are_those_of_candle() {
        let x = Tensor::new(numbers(), &Device::Cpu).unwrap();
        let (theirs, ours) = (x.gelu_erf().unwrap(), x.copy().unwrap());
        gelu(&ours).unwrap();
        check(&ours, &theirs, 1e-6);
        let up = (&x * 0.3).unwrap();
        let (theirs, ours) = ((x.silu().unwrap() * &up).unwrap(), x.copy().unwrap());
        swiglu(&ours, &up).unwrap();
        check(&ours, &theirs, 2e-6);
    }

    #[test]
    fn softmax_is_that_of_candle() {
        let x = Tensor::new(numbers(), &Device::Cpu).unwrap();
        for width in [1, 5, 16, 40, 2000] {
            let x = x.reshape(((), width)).unwrap();
            let ours = x.copy().unwrap();
            softmax(&ours).unwrap();
            check(&ours, &candle_nn::ops::softmax_last_dim(&x).unwrap(), 1e-6);
            let hidden = |n: usize| if n % 3 == 1 { f32::NEG_INFINITY } else { 0.0 };
            let mask: Vec<f32> = (0..2 * width).map(hidden).collect();
            let mask = Tensor::from_vec(mask, (2, width), &Device::Cpu).unwrap();
            let ours = x.reshape(((), 2, width)).unwrap().copy().unwrap();
            let masked = ours.broadcast_add(&mask).unwrap();
            masked_softmax(&ours, &mask).unwrap();
            if width > 1 {
                let theirs = candle_nn::ops::softmax_last_dim(&masked).unwrap();
                check(&ours, &theirs, 1e-6);
            }
        }
        assert!(
            masked_softmax(&x, &Tensor::new(&[0f32, 1.0, 2.0], &Device::Cpu).unwrap()).is_err()
        );
    }

    #[test]
    fn masks_of_other_rows_are_refused() {
        let zeros =
            |dimensions: &[usize]| Tensor::zeros(dimensions, DType::F32, &Device::Cpu).unwrap();
        let x = zeros(&[2, 3, 6]);
        for dimensions in [[1, 3, 4], [1, 4, 6], [2, 2, 3], [0, 3, 6]] {
            assert!(
                masked_softmax(&x, &zeros(&dimensions)).is_err(),
                "{dimensions:?}"
            );
        }
        masked_softmax(&x, &zeros(&[1, 3, 6])).unwrap();
    }

    fn check(ours: &Tensor, theirs: &Tensor, most: f32) {
        let numbers = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (ours, theirs) in numbers(ours).into_iter().zip(numbers(theirs)) {
            let off = (ours - theirs).abs();
            assert!(off <= most * theirs.abs().max(1.0), "{ours} {theirs}");
        }
    }
}
