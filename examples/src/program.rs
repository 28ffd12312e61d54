//! C files and object files made into a program, and its output.

use crate::config::Config;
use crate::target::Target;
use anyhow::{Context, Result, bail};
use cranelift_module::default_libcall_names;
use cranelift_object::{ObjectBuilder, ObjectModule};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};

/// Builds programs for a target in a folder of their own.
pub struct Workshop {
    target: Target,
    folder: PathBuf,
}

/// What a program printed, and how it ended.
pub struct Run {
    /// Standard output, then standard error.
    pub output: String,
    /// The exit status.
    pub status: ExitStatus,
}

impl Workshop {
    /// Make the folder, if need be.
    ///
    /// # Errors
    ///
    /// If the target's tools are missing, or the folder cannot be made.
    pub fn new(target: Target, folder: PathBuf) -> Result<Self> {
        target.check_tools()?;
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(Self { target, folder })
    }

    /// Write a file into the folder.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> Result<()> {
        let path = self.folder.join(name);
        fs::write(&path, contents).with_context(|| format!("writing {}", path.display()))
    }

    /// Compile a C file of `examples/object/`, with these arguments, for position-independent and
    /// other programs alike.
    ///
    /// # Errors
    ///
    /// If the compiler says so, which also means that it disagrees about a layout.
    pub fn compile_c(&self, name: &str, args: &[String]) -> Result<PathBuf> {
        self.compile(self.target.c_compiler(), "gnu11", name, args)
    }

    /// Compile a C++ file of `examples/object/`, like [`Workshop::compile_c`].
    ///
    /// # Errors
    ///
    /// If the compiler is missing, or says so.
    pub fn compile_cpp(&self, name: &str, args: &[String]) -> Result<PathBuf> {
        self.target.check_cpp_compiler()?;
        self.compile(self.target.cpp_compiler(), "gnu++17", name, args)
    }

    fn compile(
        &self,
        mut compiler: Command,
        standard: &str,
        name: &str,
        args: &[String],
    ) -> Result<PathBuf> {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("object");
        let object = self.folder.join(format!("{name}.o"));
        compiler
            .arg(format!("-std={standard}"))
            .args(["-O2", "-fPIC", "-Wall", "-Wextra", "-Werror"])
            // About parameters and results of vector types, whose convention once changed.
            .arg("-Wno-psabi")
            .args(args)
            .args(["-I".as_ref(), sources.as_path()])
            .args(["-I".as_ref(), self.folder.as_path()])
            .arg("-c")
            .arg(sources.join(name))
            .arg("-o")
            .arg(&object);
        output_of(&mut compiler)?;
        Ok(object)
    }

    /// Compile functions into an object file, with their unwind information.
    ///
    /// # Errors
    ///
    /// Those of `define`, and of the object file.
    pub fn compile_clif(
        &self,
        name: &str,
        config: Config,
        define: impl FnOnce(&mut ObjectModule) -> Result<()>,
    ) -> Result<PathBuf> {
        let isa = config.isa(self.target)?;
        let mut builder = ObjectBuilder::new(isa, name, default_libcall_names())?;
        builder.unwind_info(true);
        let mut module = ObjectModule::new(builder);
        define(&mut module)?;
        let file = format!("{name}.clif.o");
        self.write(&file, module.finish().emit()?)?;
        Ok(self.folder.join(file))
    }

    /// Link object files into a program.
    ///
    /// # Errors
    ///
    /// If the linker says so.
    pub fn link(&self, name: &str, config: Config, objects: &[&PathBuf]) -> Result<PathBuf> {
        self.link_with(self.target.c_compiler(), name, config, objects)
    }

    /// Link object files into a program, with C++'s library.
    ///
    /// # Errors
    ///
    /// As of [`Workshop::link`].
    pub fn link_cpp(&self, name: &str, config: Config, objects: &[&PathBuf]) -> Result<PathBuf> {
        self.link_with(self.target.cpp_compiler(), name, config, objects)
    }

    fn link_with(
        &self,
        mut linker: Command,
        name: &str,
        config: Config,
        objects: &[&PathBuf],
    ) -> Result<PathBuf> {
        let program = self.folder.join(name);
        linker
            .arg(if config.is_pic { "-pie" } else { "-no-pie" })
            .args(objects)
            .arg("-o")
            .arg(&program);
        output_of(&mut linker)?;
        Ok(program)
    }

    /// Run a program.
    ///
    /// # Errors
    ///
    /// If it cannot be started; how it ends is for the caller to judge.
    pub fn run(&self, program: &Path) -> Result<Run> {
        let mut command = self.target.run(program);
        let Output {
            status,
            stdout,
            stderr,
        } = command
            .output()
            .with_context(|| format!("starting {command:?}"))?;
        let mut output = String::from_utf8_lossy(&stdout).into_owned();
        output.push_str(&String::from_utf8_lossy(&stderr));
        Ok(Run { output, status })
    }
}

fn output_of(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("starting {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?}: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
