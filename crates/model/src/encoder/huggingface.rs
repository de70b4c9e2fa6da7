//! An encoder's shape from `config.json`, as Hugging Face writes it for each family.

use docent_kernels::activation::Activation;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::EncoderError;
use super::config::{Architecture, EncoderConfig, LocalAttention, Norms, Pooling, Positions, Rope};

/// The families that are read, as a person may look for them.
pub(crate) const SUPPORTED: &str = "BERT (MiniLM, BGE, E5, GTE, arctic-embed), RoBERTa and \
    XLM-RoBERTa (bge-m3, multilingual-e5), DistilBERT, nomic-bert, ModernBERT (granite-embedding) \
    and GTE's second generation";

/// What every `config.json` may say about itself.
#[derive(Deserialize)]
struct Kind {
    model_type: Option<String>,
    /// Only in older files of NomicBERT.
    n_embd: Option<usize>,
}

/// BERT and RoBERTa.
#[derive(Deserialize)]
struct BertFile {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    #[serde(default = "bert_epsilon")]
    layer_norm_eps: f32,
    vocab_size: usize,
    type_vocab_size: usize,
    hidden_act: String,
    position_embedding_type: Option<String>,
    pad_token_id: Option<usize>,
}

/// DistilBERT.
#[derive(Deserialize)]
struct DistilBertFile {
    dim: usize,
    n_layers: usize,
    n_heads: usize,
    hidden_dim: usize,
    max_position_embeddings: usize,
    vocab_size: usize,
    activation: String,
}

/// The sizes of NomicBERT and GTE in files with BERT's keys.
#[derive(Deserialize)]
struct Sizes {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    #[serde(default = "bert_epsilon")]
    layer_norm_eps: f32,
    vocab_size: usize,
    #[serde(default)]
    type_vocab_size: usize,
    hidden_act: String,
}

/// NomicBERT and GTE as transformers writes them since its version 5.
#[derive(Deserialize)]
struct RotaryFile {
    #[serde(flatten)]
    sizes: Sizes,
    head_dim: Option<usize>,
    rope_parameters: RopeParameters,
}

/// How newer files give the angles of a rotary embedding.
#[derive(Deserialize)]
struct RopeParameters {
    rope_theta: f64,
    rope_type: Option<String>,
}

/// NomicBERT in the files of its authors, whose keys are GPT-2's.
#[derive(Deserialize)]
struct NomicFile {
    n_embd: usize,
    n_layer: usize,
    n_head: usize,
    n_inner: usize,
    n_positions: usize,
    max_trained_positions: Option<usize>,
    #[serde(default = "bert_epsilon")]
    layer_norm_epsilon: f32,
    vocab_size: usize,
    #[serde(default)]
    type_vocab_size: usize,
    activation_function: String,
    #[serde(default)]
    prenorm: bool,
    #[serde(default)]
    use_rms_norm: bool,
    #[serde(default = "one")]
    rotary_emb_fraction: f64,
    #[serde(default = "usual_base")]
    rotary_emb_base: f64,
    #[serde(default)]
    rotary_emb_interleaved: bool,
    #[serde(default)]
    num_experts: usize,
}

/// ModernBERT.
#[derive(Deserialize)]
struct ModernFile {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    #[serde(alias = "layer_norm_eps", default = "modern_epsilon")]
    norm_eps: f32,
    vocab_size: usize,
    #[serde(default = "gelu")]
    hidden_activation: String,
    global_attn_every_n_layers: Option<usize>,
    /// How newer files say which layers see all tokens.
    layer_types: Option<Vec<String>>,
    #[serde(default = "modern_local_attention")]
    local_attention: usize,
    global_rope_theta: Option<f64>,
    local_rope_theta: Option<f64>,
    /// Where newer files have the angles.
    rope_parameters: Option<ModernRope>,
}

#[derive(Deserialize)]
struct ModernRope {
    full_attention: Option<RopeParameters>,
    sliding_attention: Option<RopeParameters>,
}

/// GTE in the files of its authors, who call it "new".
#[derive(Deserialize)]
struct GteFile {
    #[serde(flatten)]
    sizes: Sizes,
    layer_norm_type: Option<String>,
    position_embedding_type: String,
    rope_theta: f64,
    rope_scaling: Option<RopeScaling>,
    #[serde(default)]
    logn_attention_scale: bool,
}

#[derive(Deserialize)]
struct RopeScaling {
    #[serde(rename = "type")]
    kind: String,
    factor: f64,
}

fn bert_epsilon() -> f32 {
    1e-12
}

fn modern_epsilon() -> f32 {
    1e-5
}

fn modern_local_attention() -> usize {
    128
}

fn one() -> f64 {
    1.0
}

fn usual_base() -> f64 {
    10_000.0
}

fn gelu() -> String {
    "gelu".into()
}

impl EncoderConfig {
    /// Reads the text of a `config.json`, which says nothing of pooling and normalising.
    ///
    /// # Errors
    /// [`EncoderError::Config`] when it is no such file or describes an encoder of another kind.
    pub fn from_json(json: &str, pooling: Pooling, normalise: bool) -> Result<Self, EncoderError> {
        let kind: Kind = parse(json)?;
        let mut config = match kind.model_type.as_deref() {
            None | Some("bert") => bert(parse(json)?, 0)?,
            Some("roberta" | "xlm-roberta" | "camembert") => {
                let file: BertFile = parse(json)?;
                // Positions are counted from the one after that of the padding token.
                let first = file.pad_token_id.unwrap_or(1).saturating_add(1);
                bert(file, first)?
            }
            Some("distilbert") => distilbert(parse(json)?)?,
            Some("nomic_bert") if kind.n_embd.is_some() => nomic(parse(json)?)?,
            Some("nomic_bert") => rotary(parse(json)?, Architecture::NomicBert)?,
            Some("modernbert") => modern(parse(json)?)?,
            Some("new") => gte(parse(json)?)?,
            Some("gte") => rotary(parse(json)?, Architecture::Gte)?,
            Some(other) => {
                let problem = format!("model_type is \"{other}\"");
                return Err(EncoderError::Config(problem));
            }
        };
        config.pooling = pooling;
        config.normalise = normalise;
        config.check()?;
        Ok(config)
    }
}

fn parse<T: DeserializeOwned>(json: &str) -> Result<T, EncoderError> {
    serde_json::from_str(json)
        .map_err(|error| EncoderError::Config(format!("cannot be read: {error}")))
}

/// The error for a key whose value is not supported.
fn unsupported(key: &str, value: &str, supported: &str) -> EncoderError {
    EncoderError::Config(format!("{key} is \"{value}\"; supported: {supported}"))
}

fn activation(key: &str, name: &str) -> Result<Activation, EncoderError> {
    Ok(match name {
        "gelu" => Activation::Gelu,
        "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Activation::GeluTanh,
        "silu" | "swish" => Activation::Silu,
        "relu" => Activation::Relu,
        other => {
            let supported = "gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, silu and relu";
            return Err(unsupported(key, other, supported));
        }
    })
}

fn bert(file: BertFile, first: usize) -> Result<EncoderConfig, EncoderError> {
    let kind = file.position_embedding_type.as_deref();
    if let Some(kind) = kind.filter(|kind| *kind != "absolute") {
        return Err(unsupported("position_embedding_type", kind, "absolute"));
    }
    Ok(EncoderConfig {
        architecture: Architecture::Bert,
        hidden: file.hidden_size,
        layers: file.num_hidden_layers,
        heads: file.num_attention_heads,
        intermediate: file.intermediate_size,
        max_tokens: file.max_position_embeddings.saturating_sub(first),
        positions: Positions::Learned { first },
        local: None,
        norm_epsilon: file.layer_norm_eps,
        norms: Norms::After,
        vocabulary: file.vocab_size,
        token_types: file.type_vocab_size,
        activation: activation("hidden_act", &file.hidden_act)?,
        gated: false,
        pooling: Pooling::Mean,
        normalise: true,
    })
}

fn distilbert(file: DistilBertFile) -> Result<EncoderConfig, EncoderError> {
    Ok(EncoderConfig {
        architecture: Architecture::DistilBert,
        hidden: file.dim,
        layers: file.n_layers,
        heads: file.n_heads,
        intermediate: file.hidden_dim,
        max_tokens: file.max_position_embeddings,
        positions: Positions::Learned { first: 0 },
        local: None,
        norm_epsilon: bert_epsilon(),
        norms: Norms::After,
        vocabulary: file.vocab_size,
        token_types: 0,
        activation: activation("activation", &file.activation)?,
        gated: false,
        pooling: Pooling::Mean,
        normalise: true,
    })
}

fn nomic(file: NomicFile) -> Result<EncoderConfig, EncoderError> {
    let activation = match file.activation_function.as_str() {
        "swiglu" => Activation::Silu,
        "geglu" => Activation::Gelu,
        other => {
            return Err(unsupported(
                "activation_function",
                other,
                "swiglu and geglu",
            ));
        }
    };
    if file.rotary_emb_fraction != 1.0 || file.rotary_emb_interleaved {
        let problem = "turns a part of each head or neighbouring places; docent turns whole \
            heads by halves";
        return Err(EncoderError::Config(problem.into()));
    }
    if file.prenorm || file.use_rms_norm {
        let problem = "has prenorm or use_rms_norm; docent runs nomic-bert without them";
        return Err(EncoderError::Config(problem.into()));
    }
    if file.num_experts > 1 {
        let problem = "has a mixture of experts, which docent does not run in encoders; \
            nomic-embed-text-v1.5 has none";
        return Err(EncoderError::Config(problem.into()));
    }
    // Beyond the trained length the model stretches its angles, by a rule that is not followed
    // here: longer texts are cut into windows.
    let trained = file.max_trained_positions.filter(|trained| *trained > 0);
    Ok(EncoderConfig {
        architecture: Architecture::NomicBert,
        hidden: file.n_embd,
        layers: file.n_layer,
        heads: file.n_head,
        intermediate: file.n_inner,
        max_tokens: trained.map_or(file.n_positions, |trained| trained.min(file.n_positions)),
        positions: Positions::Rotary(Rope {
            base: file.rotary_emb_base,
            scale: 1.0,
        }),
        local: None,
        norm_epsilon: file.layer_norm_epsilon,
        norms: Norms::After,
        vocabulary: file.vocab_size,
        token_types: file.type_vocab_size,
        activation,
        gated: true,
        pooling: Pooling::Mean,
        normalise: true,
    })
}

fn rotary(file: RotaryFile, architecture: Architecture) -> Result<EncoderConfig, EncoderError> {
    let RotaryFile { sizes, .. } = file;
    let width = sizes.hidden_size / sizes.num_attention_heads.max(1);
    if let Some(other) = file.head_dim.filter(|other| *other != width) {
        let supported = format!("{width}, a head's part of the hidden size");
        return Err(unsupported("head_dim", &other.to_string(), &supported));
    }
    sizes.config(architecture, file.rope_parameters.rope()?)
}

impl Sizes {
    fn config(self, architecture: Architecture, rope: Rope) -> Result<EncoderConfig, EncoderError> {
        Ok(EncoderConfig {
            architecture,
            hidden: self.hidden_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            intermediate: self.intermediate_size,
            max_tokens: self.max_position_embeddings,
            positions: Positions::Rotary(rope),
            local: None,
            norm_epsilon: self.layer_norm_eps,
            norms: Norms::After,
            vocabulary: self.vocab_size,
            token_types: self.type_vocab_size,
            activation: activation("hidden_act", &self.hidden_act)?,
            gated: true,
            pooling: Pooling::Mean,
            normalise: true,
        })
    }
}

impl RopeParameters {
    fn rope(self) -> Result<Rope, EncoderError> {
        if let Some(kind) = self.rope_type.filter(|kind| kind != "default") {
            return Err(unsupported("rope_type", &kind, "default"));
        }
        Ok(Rope {
            base: self.rope_theta,
            scale: 1.0,
        })
    }
}

fn modern(file: ModernFile) -> Result<EncoderConfig, EncoderError> {
    let (new_global, new_local) = match file.rope_parameters {
        Some(new) => (new.full_attention, new.sliding_attention),
        None => (None, None),
    };
    let rope = |old: Option<f64>, new: Option<RopeParameters>, usual: f64| match (old, new) {
        (None, Some(new)) => new.rope(),
        (old, _) => Ok(Rope {
            base: old.unwrap_or(usual),
            scale: 1.0,
        }),
    };
    let global = rope(file.global_rope_theta, new_global, 160_000.0)?;
    let global_every = match &file.layer_types {
        Some(types) => global_every(types)?,
        None => file.global_attn_every_n_layers.unwrap_or(3),
    };
    Ok(EncoderConfig {
        architecture: Architecture::ModernBert,
        hidden: file.hidden_size,
        layers: file.num_hidden_layers,
        heads: file.num_attention_heads,
        intermediate: file.intermediate_size,
        max_tokens: file.max_position_embeddings,
        positions: Positions::Rotary(global),
        local: Some(LocalAttention {
            reach: file.local_attention / 2,
            global_every,
            rope: rope(file.local_rope_theta, new_local, usual_base())?,
        }),
        norm_epsilon: file.norm_eps,
        norms: Norms::Before,
        vocabulary: file.vocab_size,
        token_types: 0,
        activation: activation("hidden_activation", &file.hidden_activation)?,
        gated: true,
        pooling: Pooling::Mean,
        normalise: true,
    })
}

/// Every so-manieth layer, the first among them, is of the type that sees all tokens.
fn global_every(types: &[String]) -> Result<usize, EncoderError> {
    let is_global = |index: usize| types[index] == "full_attention";
    let every = (1..types.len()).find(|index| is_global(*index));
    let every = every.unwrap_or(types.len()).max(1);
    let fits = |index: usize| {
        let wanted = ["sliding_attention", "full_attention"];
        types[index] == wanted[usize::from(index.is_multiple_of(every))]
    };
    match (0..types.len()).all(fits) {
        true => Ok(every),
        false => Err(unsupported(
            "layer_types",
            &types.join(", "),
            "full_attention first and at equal distances, sliding_attention between",
        )),
    }
}

fn gte(file: GteFile) -> Result<EncoderConfig, EncoderError> {
    if file.position_embedding_type != "rope" {
        let kind = &file.position_embedding_type;
        return Err(unsupported("position_embedding_type", kind, "rope"));
    }
    if let Some(kind) = file.layer_norm_type.filter(|kind| kind != "layer_norm") {
        return Err(unsupported("layer_norm_type", &kind, "layer_norm"));
    }
    if file.logn_attention_scale {
        let problem = "has logn_attention_scale, which docent does not follow";
        return Err(EncoderError::Config(problem.into()));
    }
    let width = file.sizes.hidden_size as f64 / file.sizes.num_attention_heads.max(1) as f64;
    let rope = match file.rope_scaling {
        None => Rope {
            base: file.rope_theta,
            scale: 1.0,
        },
        Some(RopeScaling { kind, factor }) if kind == "ntk" => Rope {
            base: file.rope_theta * factor,
            scale: factor.powf(2.0 / width),
        },
        Some(RopeScaling { kind, .. }) => {
            return Err(unsupported("rope_scaling", &kind, "ntk"));
        }
    };
    file.sizes.config(Architecture::Gte, rope)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINILM: &str = r#"{
        "model_type": "bert", "hidden_act": "gelu", "hidden_size": 384, "intermediate_size": 1536,
        "layer_norm_eps": 1e-12, "max_position_embeddings": 512, "num_attention_heads": 12,
        "num_hidden_layers": 6, "position_embedding_type": "absolute", "type_vocab_size": 2,
        "vocab_size": 30522, "use_cache": true
    }"#;

    fn read(json: &str) -> EncoderConfig {
        EncoderConfig::from_json(json, Pooling::Cls, false).unwrap()
    }

    fn error_with(from: &str, to: &str) -> String {
        let json = MINILM.replace(from, to);
        assert_ne!(json, MINILM, "{from} is in the file");
        EncoderConfig::from_json(&json, Pooling::Mean, true)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn reads_the_file_of_a_bert() {
        let config = read(MINILM);
        assert_eq!((config.hidden, config.layers, config.heads), (384, 6, 12));
        assert_eq!(config.max_tokens, 512);
        assert_eq!(
            (config.activation, config.pooling),
            (Activation::Gelu, Pooling::Cls)
        );
    }

    #[test]
    fn a_roberta_counts_positions_from_after_its_padding() {
        let json = MINILM
            .replace("\"bert\"", "\"xlm-roberta\"")
            .replace("512", "514")
            .replace("\"use_cache\": true", "\"pad_token_id\": 1");
        let config = read(&json);
        assert_eq!(config.positions, Positions::Learned { first: 2 });
        assert_eq!((config.max_tokens, config.position_rows()), (512, 514));
    }

    #[test]
    fn reads_the_file_of_a_nomic_bert() {
        let json = r#"{
            "model_type": "nomic_bert", "n_embd": 768, "n_head": 12, "n_inner": 3072, "n_layer": 12,
            "n_positions": 8192, "max_trained_positions": 2048, "activation_function": "swiglu",
            "layer_norm_epsilon": 1e-12, "rotary_emb_base": 1000, "rotary_emb_fraction": 1.0,
            "rotary_scaling_factor": null, "type_vocab_size": 2, "vocab_size": 30528
        }"#;
        let config = read(json);
        assert!(config.gated && config.activation == Activation::Silu);
        assert_eq!(config.max_tokens, 2048);
        let experts = json.replace("\"n_embd\"", "\"num_experts\": 8, \"n_embd\"");
        let error = EncoderConfig::from_json(&experts, Pooling::Mean, true).unwrap_err();
        assert!(error.to_string().contains("experts"), "{error}");
    }

    #[test]
    fn reads_the_file_of_a_modern_bert() {
        let config = read(
            r#"{
            "model_type": "modernbert", "hidden_size": 768, "intermediate_size": 1152,
            "num_hidden_layers": 22, "num_attention_heads": 12, "hidden_activation": "gelu",
            "norm_eps": 1e-05, "global_attn_every_n_layers": 3, "local_attention": 128,
            "global_rope_theta": 160000.0, "local_rope_theta": 10000.0,
            "max_position_embeddings": 8192, "vocab_size": 50368
        }"#,
        );
        assert_eq!(config.norms, Norms::Before);
        let local: Vec<usize> = (0..22).filter(|layer| !config.is_local(*layer)).collect();
        assert_eq!(local, [0, 3, 6, 9, 12, 15, 18, 21]);
        assert_eq!(config.local.unwrap().reach, 64);
        assert_eq!(config.local.unwrap().rope.base, 10_000.0);
    }

    #[test]
    fn reads_the_layer_types_of_newer_files() {
        let types = |of: &str| -> Result<usize, EncoderError> {
            let name = |kind| match kind {
                'f' => "full_attention".to_owned(),
                _ => "sliding_attention".to_owned(),
            };
            global_every(&of.chars().map(name).collect::<Vec<_>>())
        };
        for (of, every) in [
            ("fssfssf", 3),
            ("fsfs", 2),
            ("fff", 1),
            ("fss", 3),
            ("f", 1),
        ] {
            assert_eq!(types(of), Ok(every), "{of}");
        }
        for of in ["sff", "fsfss", "ffs", "fssff", "s"] {
            assert!(types(of).is_err(), "{of}");
        }
        let config = read(
            r#"{
            "model_type": "modernbert", "hidden_size": 192, "intermediate_size": 288,
            "num_hidden_layers": 4, "num_attention_heads": 6, "hidden_activation": "gelu",
            "norm_eps": 1e-05, "local_attention": 32, "max_position_embeddings": 1024,
            "layer_types": ["full_attention", "sliding_attention", "full_attention",
            "sliding_attention"], "rope_parameters": {
            "full_attention": {"rope_theta": 80000.0, "rope_type": "default"},
            "sliding_attention": {"rope_theta": 5000.0, "rope_type": "default"}},
            "vocab_size": 900
        }"#,
        );
        let local = config.local.unwrap();
        assert_eq!((local.global_every, local.rope.base), (2, 5000.0));
        let Positions::Rotary(rope) = config.positions else {
            panic!("not rotary");
        };
        assert_eq!(rope.base, 80_000.0);
    }

    #[test]
    fn reads_the_newer_files_of_a_nomic_bert_and_a_gte() {
        let json = |kind: &str, change: (&str, &str)| {
            let json = r#"{
            "model_type": "KIND", "hidden_size": 96, "intermediate_size": 192, "head_dim": 24,
            "num_hidden_layers": 2, "num_attention_heads": 4, "hidden_act": "silu",
            "layer_norm_eps": 1e-12, "max_position_embeddings": 2048, "rope_parameters": {
            "rope_theta": 1000.0, "rope_type": "default"}, "type_vocab_size": 2,
            "vocab_size": 30522}"#;
            json.replace("KIND", kind).replace(change.0, change.1)
        };
        for (kind, architecture) in [
            ("nomic_bert", Architecture::NomicBert),
            ("gte", Architecture::Gte),
        ] {
            let config = read(&json(kind, ("", "")));
            assert_eq!(config.architecture, architecture);
            assert!(config.gated && config.activation == Activation::Silu);
            assert_eq!(config.token_types, 2);
            for (from, to) in [
                ("default", "yarn"),
                ("\"head_dim\": 24", "\"head_dim\": 32"),
            ] {
                let json = json(kind, (from, to));
                let error = EncoderConfig::from_json(&json, Pooling::Mean, true).unwrap_err();
                assert!(error.to_string().contains("supported"), "{error}");
            }
        }
    }

    #[test]
    fn reads_the_file_of_a_gte() {
        let config = read(
            r#"{
            "model_type": "new", "hidden_size": 768, "intermediate_size": 3072,
            "num_hidden_layers": 12, "num_attention_heads": 12, "hidden_act": "gelu",
            "layer_norm_eps": 1e-12, "layer_norm_type": "layer_norm", "type_vocab_size": 0,
            "max_position_embeddings": 8192, "position_embedding_type": "rope",
            "rope_theta": 500000, "rope_scaling": {"factor": 2.0, "type": "ntk"},
            "vocab_size": 30528
        }"#,
        );
        let Positions::Rotary(rope) = config.positions else {
            panic!("not rotary");
        };
        assert_eq!(rope.base, 1_000_000.0);
        assert!((rope.scale - 2f64.powf(1.0 / 32.0)).abs() < 1e-12);
    }

    #[test]
    fn says_what_is_wrong_with_a_file() {
        let other = error_with("\"bert\"", "\"llama\"");
        assert!(other.contains("model_type is \"llama\""), "{other}");
        assert!(error_with("\"gelu\"", "\"tanh\"").contains("tanh"));
        assert!(error_with("absolute", "relative_key").contains("relative_key"));
        assert!(error_with("\"hidden_size\": 384,", "").contains("hidden_size"));
        assert!(
            error_with("\"num_attention_heads\": 12", "\"num_attention_heads\": 7")
                .contains("multiple")
        );
        assert!(
            error_with("\"num_hidden_layers\": 6", "\"num_hidden_layers\": 0").contains("layers")
        );
        assert!(
            error_with("\"vocab_size\": 30522", "\"vocab_size\": 99999999999")
                .contains("vocabulary")
        );
        assert!(error_with("{", "").contains("cannot be read"));
    }
}
