//! Keys of those who sign: where they are, and whose signatures are asked for.

use crate::files::Input;
use crate::outcome::WrongUsage;
use std::path::Path;
use strandline_proof::{LogPolicy, SignatureKind, SignerKey, VerifierKey};

/// Most bytes of a file with a key.
const KEY_BYTES_MAX: u64 = 1 << 20;

/// Whose signatures count.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct PolicyArgs {
    /// Public key of the log, `name+id+key` as `key new` printed it, or a file with it. Several, if the log has
    /// signed with several: the first is its name.
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// What the log is called, if not as its first key.
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    /// Public key of a witness, or a file with it.
    #[arg(long, value_name = "KEY")]
    witness: Vec<String>,
    /// How many of the witnesses have to have signed. Default: all that are named.
    #[arg(long, value_name = "COUNT", requires = "witness")]
    witnesses: Option<usize>,
}

impl PolicyArgs {
    /// Whether anything of it is given.
    pub(crate) fn is_given(&self) -> bool {
        !self.key.is_empty() || self.origin.is_some() || !self.witness.is_empty()
    }

    /// What the log is called, if that is said.
    #[cfg(feature = "ui")]
    pub(crate) fn origin_given(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Whose signatures count.
    ///
    /// # Errors
    ///
    /// Which key is none.
    pub(crate) fn policy(&self) -> Result<LogPolicy, WrongUsage> {
        let mut keys = self.key.iter().map(|text| verifier_key("--key", text));
        let first = keys.next().ok_or_else(|| {
            let message = "whose signature counts? give the log's public key, --key KEY";
            WrongUsage(message.to_owned())
        })?;
        let first = first?;
        let mut log_keys = vec![*first.as_bytes()];
        let mut policy = LogPolicy::new(first);
        for key in keys {
            let key = key?;
            log_keys.push(*key.as_bytes());
            policy = policy.log_key(key);
        }
        if let Some(origin) = &self.origin {
            policy = policy.origin(origin);
        }
        for text in &self.witness {
            let key = verifier_key("--witness", text)?;
            if log_keys.contains(key.as_bytes()) {
                let message = format!(
                    "--witness {text}: it is the key of the log, which is no witness of itself"
                );
                return Err(WrongUsage(message));
            }
            policy = policy.witness(key);
        }
        let required = self.witnesses.unwrap_or(self.witness.len());
        if required > self.witness.len() {
            let named = self.witness.len();
            let message = format!("--witnesses {required}: {named} are named with --witness");
            return Err(WrongUsage(message));
        }
        Ok(policy.witnesses_required(required))
    }
}

/// The public key that an argument is, or that is in the file that it names.
fn verifier_key(name: &str, text: &str) -> Result<VerifierKey, WrongUsage> {
    let is_file = !text.contains('+') || Path::new(text).is_file();
    let parsed = match is_file {
        false => text.parse(),
        true => text_of(Path::new(text))?.trim().parse::<VerifierKey>(),
    };
    parsed.map_err(|error| WrongUsage(format!("{name} {text}: {error}")))
}

/// The secret key in a file.
///
/// # Errors
///
/// Why there is none.
pub(crate) fn signer_key(path: &Path) -> Result<SignerKey, WrongUsage> {
    let text = text_of(path)?;
    let key = text.trim().parse();
    key.map_err(|error| {
        let path = path.display();
        WrongUsage(match text.trim().parse::<VerifierKey>() {
            Ok(_) => format!(
                "{path} has a public key, by which nothing is signed: give the file that `strandline key new` made"
            ),
            Err(_) => format!("{path}: {error}; `strandline key new` makes one"),
        })
    })
}

/// The secret key in a file, of one who signs for a log.
///
/// # Errors
///
/// Why there is none; that it is the key of a witness.
pub(crate) fn log_signer_key(path: &Path) -> Result<SignerKey, WrongUsage> {
    let key = signer_key(path)?;
    match key.kind() {
        SignatureKind::Ed25519 => Ok(key),
        SignatureKind::Cosignature => Err(WrongUsage(format!(
            "{} has the key of a witness, by which no log is signed: `strandline key new` without --witness makes one \
             that does",
            path.display()
        ))),
    }
}

fn text_of(path: &Path) -> Result<String, WrongUsage> {
    let wrong = |error: &dyn std::fmt::Display| {
        WrongUsage(format!("{} cannot be read: {error}", path.display()))
    };
    let bytes = Input::open(path)?.read_all(KEY_BYTES_MAX);
    let bytes = bytes.map_err(|error| wrong(&error))?;
    String::from_utf8(bytes).map_err(|_| wrong(&"it is no text"))
}
