use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::ids::TenantKey;
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, put};
use larkspur_store::Root;
use larkspur_store::snapshots::{self, BYTES_MAX, Origin};

use crate::operations::CONTROL;
use crate::snapshots::{Head, Path, Shown, freeze, is_free, unsaved};
use crate::values;

/// `PUT /larkspur/v1/worlds/:tenant_key/snapshots/:name/file`
pub(crate) struct Upload;

/// Bytes of a file's head, besides those of its rows.
const HEAD_MAX: usize = 8 << 10;

impl Operation for Upload {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.snapshots.upload",
        summary: "Save the file of a snapshot as a snapshot of a world",
        route: put("/larkspur/v1/worlds/{tenant_key}/snapshots/{name}/file"),
        effect: Effect::Writes,
        consumes: Consumes::Multipart { file: "file", most: BYTES_MAX + HEAD_MAX },
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND, codes::CONTROL_CONFLICT],
        emits: &[],
        example: "",
        behaviours: &[FILES],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Empty;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let (mut tx, _) = freeze(root, call, &input.path.tenant_key).await?;
        is_free(&mut tx, &input.path.name).await?;
        let wrong = |why: &str| values::invalid("file", None, why);
        let file = input.file.as_ref().ok_or_else(|| wrong("required"))?;
        let text = std::str::from_utf8(file).map_err(|_| wrong("it is not UTF-8"))?;
        let (head, rows) = Head::read(text)?;
        let tenant = TenantKey::parse(&head.tenant_key).ok_or_else(|| wrong("line 1: no tenant_key"))?;
        let origin = Origin { tenant, same_keys: head.store == tx.engine().keys.store_mark() };
        let label = head.label(&input.path.name, call.now);
        let saved = snapshots::save_lines(&mut tx, &label, rows, origin).await?;
        saved.map(Shown::from).map_err(|why| unsaved("file", why))
    }
}

/// Files of other worlds.
const FILES: Behaviour = Behaviour {
    name: "snapshot_files",
    rule: "A file has the schema of the release that wrote it, and only releases with that schema read it. The file of another world is saved with new IDs. If another server wrote it, its secrets cannot be read here, and are left empty: give the apps new ones.",
    basis: Basis::Assumed,
    switch: false,
};
