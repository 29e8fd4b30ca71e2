//! Numbers and their arithmetic (SPARQL 1.1 §17.3: operands are promoted to the wider of their types).

use oxrdf::Literal;
use oxsdatatypes::{Boolean, Decimal, Double, Float, Integer};
use std::cmp::Ordering;
use std::fmt;

/// A number of one of the four types that arithmetic knows.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Number {
    /// `xsd:integer` and what derives from it, in 64 bits.
    Integer(Integer),
    /// `xsd:decimal`, with 18 digits after the point.
    Decimal(Decimal),
    /// `xsd:float`.
    Float(Float),
    /// `xsd:double`.
    Double(Double),
}

/// Two numbers of one type.
enum Pair {
    Integers(Integer, Integer),
    Decimals(Decimal, Decimal),
    Floats(Float, Float),
    Doubles(Double, Double),
}

impl Number {
    /// Parses a literal of the datatype `xsd:name`: `None` if that is no datatype of numbers, `Some(None)` if the
    /// literal is malformed.
    pub(super) fn parse(name: &str, lexical: &str) -> Option<Option<Self>> {
        Some(match name {
            "decimal" => lexical.parse().ok().map(Number::Decimal),
            "float" => lexical.parse().ok().map(Number::Float),
            "double" => lexical.parse().ok().map(Number::Double),
            _ if Self::is_type(name) => lexical.parse().ok().map(Number::Integer),
            _ => return None,
        })
    }

    /// Whether `xsd:name` is a datatype of numbers.
    pub(super) fn is_type(name: &str) -> bool {
        matches!(
            name,
            "integer"
                | "decimal"
                | "float"
                | "double"
                | "byte"
                | "short"
                | "int"
                | "long"
                | "unsignedByte"
                | "unsignedShort"
                | "unsignedInt"
                | "unsignedLong"
                | "positiveInteger"
                | "negativeInteger"
                | "nonPositiveInteger"
                | "nonNegativeInteger"
        )
    }

    /// The IRI of its datatype.
    pub(in super::super) fn datatype(self) -> &'static str {
        match self {
            Number::Integer(_) => "http://www.w3.org/2001/XMLSchema#integer",
            Number::Decimal(_) => "http://www.w3.org/2001/XMLSchema#decimal",
            Number::Float(_) => "http://www.w3.org/2001/XMLSchema#float",
            Number::Double(_) => "http://www.w3.org/2001/XMLSchema#double",
        }
    }

    /// Bits that tell it from all others of its type, where 64 are enough.
    pub(super) fn bits(self) -> Option<u64> {
        match self {
            Number::Integer(value) => Some(i64::from(value).cast_unsigned()),
            Number::Decimal(_) => None,
            Number::Float(value) => Some(f32::from(value).to_bits().into()),
            Number::Double(value) => Some(f64::from(value).to_bits()),
        }
    }

    pub(super) fn literal(self) -> Literal {
        match self {
            Number::Integer(value) => value.into(),
            Number::Decimal(value) => value.into(),
            Number::Float(value) => value.into(),
            Number::Double(value) => value.into(),
        }
    }

    /// Neither zero nor `NaN`.
    pub(in super::super) fn truth(self) -> bool {
        match self {
            Number::Integer(value) => Boolean::from(value).into(),
            Number::Decimal(value) => Boolean::from(value).into(),
            Number::Float(value) => Boolean::from(value).into(),
            Number::Double(value) => Boolean::from(value).into(),
        }
    }

    fn with(self, other: Self) -> Pair {
        use Number::*;
        match (self, other) {
            (Integer(a), Integer(b)) => Pair::Integers(a, b),
            (Double(a), b) => Pair::Doubles(a, b.double()),
            (a, Double(b)) => Pair::Doubles(a.double(), b),
            (Float(a), b) => Pair::Floats(a, b.float()),
            (a, Float(b)) => Pair::Floats(a.float(), b),
            (Decimal(a), Decimal(b)) => Pair::Decimals(a, b),
            (Decimal(a), Integer(b)) => Pair::Decimals(a, b.into()),
            (Integer(a), Decimal(b)) => Pair::Decimals(a.into(), b),
        }
    }

    /// As `xsd:double`.
    pub(in super::super) fn double(self) -> Double {
        match self {
            Number::Integer(value) => value.into(),
            Number::Decimal(value) => value.into(),
            Number::Float(value) => value.into(),
            Number::Double(value) => value,
        }
    }

    /// As `xsd:float`.
    pub(in super::super) fn float(self) -> Float {
        match self {
            Number::Integer(value) => value.into(),
            Number::Decimal(value) => value.into(),
            Number::Float(value) => value,
            Number::Double(value) => value.into(),
        }
    }

    /// As `xsd:decimal`; `None` if it is too large or no number.
    pub(in super::super) fn decimal(self) -> Option<Decimal> {
        match self {
            Number::Integer(value) => Some(value.into()),
            Number::Decimal(value) => Some(value),
            Number::Float(value) => value.try_into().ok(),
            Number::Double(value) => value.try_into().ok(),
        }
    }

    /// As `xsd:integer`, towards zero; `None` if it is too large or no number.
    pub(in super::super) fn integer(self) -> Option<Integer> {
        match self {
            Number::Integer(value) => Some(value),
            Number::Decimal(value) => value.try_into().ok(),
            Number::Float(value) => value.try_into().ok(),
            Number::Double(value) => value.try_into().ok(),
        }
    }

    /// The sum; `None` if it is too large.
    pub(in super::super) fn add(self, other: Self) -> Option<Self> {
        Some(match self.with(other) {
            Pair::Integers(a, b) => Number::Integer(a.checked_add(b)?),
            Pair::Decimals(a, b) => Number::Decimal(a.checked_add(b)?),
            Pair::Floats(a, b) => Number::Float(a + b),
            Pair::Doubles(a, b) => Number::Double(a + b),
        })
    }

    /// The difference; `None` if it is too large.
    pub(in super::super) fn subtract(self, other: Self) -> Option<Self> {
        Some(match self.with(other) {
            Pair::Integers(a, b) => Number::Integer(a.checked_sub(b)?),
            Pair::Decimals(a, b) => Number::Decimal(a.checked_sub(b)?),
            Pair::Floats(a, b) => Number::Float(a - b),
            Pair::Doubles(a, b) => Number::Double(a - b),
        })
    }

    /// The product; `None` if it is too large.
    pub(in super::super) fn multiply(self, other: Self) -> Option<Self> {
        Some(match self.with(other) {
            Pair::Integers(a, b) => Number::Integer(a.checked_mul(b)?),
            Pair::Decimals(a, b) => Number::Decimal(a.checked_mul(b)?),
            Pair::Floats(a, b) => Number::Float(a * b),
            Pair::Doubles(a, b) => Number::Double(a * b),
        })
    }

    /// The quotient, a decimal for integers; `None` if an exact number is divided by zero.
    pub(in super::super) fn divide(self, other: Self) -> Option<Self> {
        Some(match self.with(other) {
            Pair::Integers(a, b) => Number::Decimal(Decimal::from(a).checked_div(b)?),
            Pair::Decimals(a, b) => Number::Decimal(a.checked_div(b)?),
            Pair::Floats(a, b) => Number::Float(a / b),
            Pair::Doubles(a, b) => Number::Double(a / b),
        })
    }

    /// The negation.
    pub(in super::super) fn negate(self) -> Option<Self> {
        Some(match self {
            Number::Integer(value) => Number::Integer(value.checked_neg()?),
            Number::Decimal(value) => Number::Decimal(value.checked_neg()?),
            Number::Float(value) => Number::Float(-value),
            Number::Double(value) => Number::Double(-value),
        })
    }

    /// `ABS`.
    pub(in super::super) fn abs(self) -> Option<Self> {
        Some(match self {
            Number::Integer(value) => Number::Integer(value.checked_abs()?),
            Number::Decimal(value) => Number::Decimal(value.checked_abs()?),
            Number::Float(value) => Number::Float(value.abs()),
            Number::Double(value) => Number::Double(value.abs()),
        })
    }

    /// `CEIL`.
    pub(in super::super) fn ceil(self) -> Option<Self> {
        Some(match self {
            Number::Integer(value) => Number::Integer(value),
            Number::Decimal(value) => Number::Decimal(value.checked_ceil()?),
            Number::Float(value) => Number::Float(value.ceil()),
            Number::Double(value) => Number::Double(value.ceil()),
        })
    }

    /// `FLOOR`.
    pub(in super::super) fn floor(self) -> Option<Self> {
        Some(match self {
            Number::Integer(value) => Number::Integer(value),
            Number::Decimal(value) => Number::Decimal(value.checked_floor()?),
            Number::Float(value) => Number::Float(value.floor()),
            Number::Double(value) => Number::Double(value.floor()),
        })
    }

    /// `ROUND`: halves go up.
    pub(in super::super) fn round(self) -> Option<Self> {
        Some(match self {
            Number::Integer(value) => Number::Integer(value),
            Number::Decimal(value) => Number::Decimal(value.checked_round()?),
            Number::Float(value) => Number::Float(value.round()),
            Number::Double(value) => Number::Double(value.round()),
        })
    }

    /// The order by value; `None` if one is `NaN`.
    pub(in super::super) fn order(self, other: Self) -> Option<Ordering> {
        match self.with(other) {
            Pair::Integers(a, b) => a.partial_cmp(&b),
            Pair::Decimals(a, b) => a.partial_cmp(&b),
            Pair::Floats(a, b) => a.partial_cmp(&b),
            Pair::Doubles(a, b) => a.partial_cmp(&b),
        }
    }

    /// A total order by value, `NaN` last. Promotion is no help: by it, a float can equal two integers that differ.
    pub(super) fn rank(self, other: Self) -> Ordering {
        if let Pair::Integers(a, b) = self.with(other) {
            return a.cmp(&b);
        }
        let (a, b) = (f64::from(self.double()), f64::from(other.double()));
        // What is added turns the negative zero into the positive one.
        let rounded = (a + 0.0).total_cmp(&(b + 0.0));
        rounded.then_with(|| self.residue().cmp(&other.residue()))
    }

    /// What the nearest double leaves of an exact number.
    fn residue(self) -> Option<Decimal> {
        match self {
            Number::Float(_) | Number::Double(_) => Some(Decimal::default()),
            exact => {
                let nearest = Decimal::try_from(exact.double()).ok()?;
                exact.decimal()?.checked_sub(nearest)
            }
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Integer(value) => value.fmt(f),
            Number::Decimal(value) => value.fmt(f),
            Number::Float(value) => value.fmt(f),
            Number::Double(value) => value.fmt(f),
        }
    }
}
