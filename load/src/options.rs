//! The command line.

/// What the command line asks for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The name of the scenario.
    pub scenario: String,
    /// This process is the client, of the server at this address.
    pub client: Option<String>,
    /// The socket of a real daemon.
    pub socket: Option<String>,
    /// What its version is called.
    pub generation: String,
    /// The directory of the daemon that is killed, or of its cluster, and the script that kills and starts it.
    pub directory: String,
    pub control: String,
    pub rounds: usize,
}

impl Options {
    /// Reads `SCENARIO [--OPTION VALUE]...`.
    ///
    /// # Errors
    ///
    /// It isn't understood.
    pub fn read(args: &[String]) -> Result<Self, String> {
        let [scenario, rest @ ..] = args else { return Err("which scenario?".to_owned()) };
        let mut options = Self { scenario: scenario.clone(), rounds: 30, ..Self::default() };
        for pair in rest.chunks(2) {
            let [option, value] = pair else { return Err(format!("{} needs a value", pair[0])) };
            let value = value.clone();
            match option.as_str() {
                "--client" => options.client = Some(value),
                "--socket" => options.socket = Some(value),
                "--generation" => options.generation = value,
                "--directory" => options.directory = value,
                "--control" => options.control = value,
                "--rounds" => options.rounds = value.parse().map_err(|_| format!("{value} is no number"))?,
                other => return Err(format!("unknown option {other}")),
            }
        }
        Ok(options)
    }
}
