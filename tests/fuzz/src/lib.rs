//! What the fuzz targets share.

/// Bytes of the fuzzer's that choose how the others are handed over.
#[derive(Debug)]
pub struct Cutting<'a> {
    /// The size of a buffer.
    pub size: usize,
    /// What is handed over.
    pub stream: &'a [u8],
    /// Where it is cut into pieces, in ascending order.
    pub cuts: Vec<usize>,
}

impl<'a> Cutting<'a> {
    /// Takes two bytes off the input; `None` where it is shorter.
    pub fn new(input: &'a [u8], sizes: &[usize]) -> Option<Self> {
        let [size, step, stream @ ..] = input else {
            return None;
        };
        let size = sizes[usize::from(*size) % sizes.len()];
        let step = usize::from(*step);
        let cuts = match step {
            0 => Vec::new(),
            // Pieces of one length, or of growing lengths.
            1..128 => (step..stream.len()).step_by(step).collect(),
            _ => (1..)
                .map(|piece| piece * piece * (step - 127) / 8)
                .take_while(|&cut| cut < stream.len())
                .collect(),
        };
        Some(Self { size, stream, cuts })
    }
}
