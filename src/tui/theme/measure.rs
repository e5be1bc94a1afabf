//! How well colours can be read and told apart, also by people who see fewer of them.
//!
//! * Contrast is that of WCAG 2.2: <https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio>.
//! * Distance is Euclidean in OKLab, times 100: Björn Ottosson, "A perceptual color space for image processing", 2020,
//!   <https://bottosson.github.io/posts/oklab/>.
//! * Dichromats see as in G. M. Machado, M. M. Oliveira and L. A. F. Fernandes, "A Physiologically-based Model for Simulation of
//!   Color Vision Deficiency", IEEE Transactions on Visualization and Computer Graphics 15 (6), 2009: the matrices of its table
//!   for severity 1.0, applied to linear RGB.

/// A colour of 24 bits.
pub type Rgb = (u8, u8, u8);

/// Whose eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vision {
    /// Most people's.
    Normal,
    /// Without cones for long waves (red).
    Protan,
    /// Without cones for middle waves (green).
    Deutan,
    /// Without cones for short waves (blue).
    Tritan,
}

impl Vision {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Normal, Self::Protan, Self::Deutan, Self::Tritan];

    /// What it is called.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Protan => "protan",
            Self::Deutan => "deutan",
            Self::Tritan => "tritan",
        }
    }

    const fn matrix(self) -> [[f64; 3]; 3] {
        match self {
            Self::Normal => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            Self::Protan => [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
            Self::Deutan => [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
            Self::Tritan => [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
        }
    }
}

/// How well one colour reads on the other: 1 to 21.
pub fn contrast(a: Rgb, b: Rgb) -> f64 {
    let luminance = |color| {
        let [r, g, b] = linear(color);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// How far apart two colours are for these eyes; ten and more are told apart at a glance.
pub fn distance(a: Rgb, b: Rgb, vision: Vision) -> f64 {
    let (a, b) = (oklab(seen(a, vision)), oklab(seen(b, vision)));
    100.0 * a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

fn linear((r, g, b): Rgb) -> [f64; 3] {
    [r, g, b].map(|value| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    })
}

fn seen(color: Rgb, vision: Vision) -> [f64; 3] {
    times(vision.matrix(), linear(color)).map(|value| value.clamp(0.0, 1.0))
}

fn times(matrix: [[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

fn oklab(linear: [f64; 3]) -> [f64; 3] {
    const CONES: [[f64; 3]; 3] = [
        [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
        [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
        [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
    ];
    const LAB: [[f64; 3]; 3] = [
        [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
        [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
        [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
    ];
    times(LAB, times(CONES, linear).map(f64::cbrt))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_and_distance_are_those_of_the_papers() {
        let (black, white) = ((0, 0, 0), (255, 255, 255));
        assert!((contrast(black, white) - 21.0).abs() < 0.01 && (contrast(white, (0x77, 0x77, 0x77)) - 4.48).abs() < 0.01);
        assert!((distance(black, white, Vision::Normal) - 100.0).abs() < 0.01);
        // Red and green of the same lightness, far apart for most, come near without the cones for green.
        let (red, green) = ((0xff, 0x63, 0x47), (0x93, 0xe0, 0x4e));
        let found = Vision::ALL.map(|vision| distance(red, green, vision).round() as i32);
        assert_eq!(found, [33, 26, 12, 34]);
    }
}
