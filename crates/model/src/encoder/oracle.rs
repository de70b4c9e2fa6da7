//! The same encoders by candle-transformers in 32-bit floats, which ours are tested against.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::{
    bert, distilbert, modernbert, nomic_bert, stella_en_v5, xlm_roberta,
};
use serde::de::DeserializeOwned;

/// The last layer's vectors of one sequence's tokens, a row each; for GTE their mean alone, which
/// is all that candle gives.
pub(crate) fn rows(kind: &str, json: &str, weights: &[u8], tokens: &[u32]) -> Vec<f32> {
    let run = || -> Result<Vec<f32>> {
        let weights = VarBuilder::from_slice_safetensors(weights, DType::F32, &Device::Cpu)?;
        let tokens = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
        let (zeros, ones) = (tokens.zeros_like()?, tokens.ones_like()?);
        let rows = match kind {
            "bert" => bert::BertModel::load(weights, &config(json))?.forward(
                &tokens,
                &zeros,
                Some(&ones),
            )?,
            "xlm-roberta" => xlm_roberta::XLMRobertaModel::new(&config(json), weights)?.forward(
                &tokens,
                &ones.to_dtype(DType::F32)?,
                &zeros,
                None,
                None,
                None,
            )?,
            "distilbert" => distilbert::DistilBertModel::load(weights, &config(json))?
                .forward(&tokens, &zeros.to_dtype(DType::U8)?)?,
            "nomic_bert" => nomic_bert::NomicBertModel::load(weights, &config(json))?
                .forward(&tokens, None, None)?,
            "modernbert" => {
                modernbert::ModernBert::load(weights, &config(json))?.forward(&tokens, &ones)?
            }
            "new" => gte(json, weights)?.forward(&tokens, &ones)?,
            other => panic!("no oracle for {other}"),
        };
        rows.flatten_all()?.to_vec1()
    };
    run().unwrap()
}

/// The score of a pair by a cross-encoder; `second` is where the second text begins.
pub(crate) fn score(kind: &str, json: &str, weights: &[u8], tokens: &[u32], second: usize) -> f32 {
    let run = || -> Result<f32> {
        let weights = VarBuilder::from_slice_safetensors(weights, DType::F32, &Device::Cpu)?;
        let types: Vec<u32> = (0..tokens.len())
            .map(|at| u32::from(at >= second))
            .collect();
        let tokens = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
        let ones = tokens.ones_like()?;
        let score = match kind {
            "bert" => {
                let types = Tensor::new(types, &Device::Cpu)?.unsqueeze(0)?;
                let model = bert::BertModel::load(weights.clone(), &config(json))?;
                let first = model
                    .forward(&tokens, &types, Some(&ones))?
                    .narrow(1, 0, 1)?;
                let width = first.dim(2)?;
                let pooler = candle_nn::linear(width, width, weights.pp("bert.pooler.dense"))?;
                let classifier = candle_nn::linear(width, 1, weights.pp("classifier"))?;
                first.apply(&pooler)?.tanh()?.apply(&classifier)?
            }
            "xlm-roberta" => {
                let config = config(json);
                xlm_roberta::XLMRobertaForSequenceClassification::new(1, &config, weights)?
                    .forward(&tokens, &ones.to_dtype(DType::F32)?, &tokens.zeros_like()?)?
            }
            other => panic!("no oracle for {other}"),
        };
        score.flatten_all()?.get(0)?.to_scalar()
    };
    run().unwrap()
}

fn config<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap()
}

/// GTE's encoder is a part of Stella, which adds a layer of its own: here one that changes nothing.
fn gte(json: &str, weights: VarBuilder<'_>) -> Result<stella_en_v5::EmbeddingModel> {
    let ours = super::EncoderConfig::from_json(json, super::Pooling::Mean, false).unwrap();
    let file: serde_json::Value = config(json);
    let config = stella_en_v5::Config {
        variant: stella_en_v5::ModelVariant::Small,
        vocab_size: ours.vocabulary,
        hidden_size: ours.hidden,
        intermediate_size: ours.intermediate,
        num_hidden_layers: ours.layers,
        num_attention_heads: ours.heads,
        max_position_embeddings: ours.max_tokens,
        rope_theta: file["rope_theta"].as_f64().unwrap(),
        embed_head: stella_en_v5::EmbedHead {
            in_features: ours.hidden,
            out_features: ours.hidden,
        },
        norm_eps: f64::from(ours.norm_epsilon),
        activation_fn: candle_nn::Activation::Gelu,
        num_key_value_heads: 0,
        type_vocab_size: ours.token_types,
        scaling_factor: file["rope_scaling"]["factor"].as_f64().unwrap(),
    };
    let same = [
        (
            "linear.weight",
            Tensor::eye(ours.hidden, DType::F32, &Device::Cpu)?,
        ),
        (
            "linear.bias",
            Tensor::zeros(ours.hidden, DType::F32, &Device::Cpu)?,
        ),
    ];
    let same = same.map(|(name, tensor)| (name.to_owned(), tensor));
    let same = VarBuilder::from_tensors(same.into(), DType::F32, &Device::Cpu);
    stella_en_v5::EmbeddingModel::new(&config, weights, same)
}
