//! What an operation runs on that concerns the server process instead of the store.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use larkspur_contract::ids::TenantKey;
use larkspur_contract::{Effect, Fault, codes};
use larkspur_store::{BoxFuture, Engine, Root, Session, StoreError, Work};

use crate::people::People;
use crate::{Caller, Ground, RootCall};

/// What the process offers to operations, one value of each type. A service is usually an `Arc` of a trait that the
/// crate of its operations declares and the server implements.
#[derive(Default)]
pub struct Services(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

impl Services {
    /// Adds a service. It replaces an earlier one of the same type.
    #[must_use]
    pub fn with<T: Clone + Send + Sync + 'static>(mut self, service: T) -> Self {
        self.0.insert(TypeId::of::<T>(), Box::new(service));
        self
    }

    /// The service of a type, if the process offers one.
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.0.get(&TypeId::of::<T>())?.downcast_ref::<T>().cloned()
    }
}

/// The process: for operations about what only it has, such as its connections and the calls that it recorded. They run
/// outside of any transaction and may wait. What they need from the store they read in a transaction of its own.
pub struct Process {
    engine: Arc<Engine>,
    services: Arc<Services>,
}

impl Process {
    /// A service of the process.
    ///
    /// # Errors
    /// 2200: the process does not offer it, which is a defect.
    pub fn service<T: Clone + Send + Sync + 'static>(&self) -> Result<T, Fault> {
        self.services.get().ok_or_else(|| {
            Fault::new(codes::INTERNAL, format!("the process has no {}", std::any::type_name::<T>()))
        })
    }

    /// Reads from the store, in a transaction of its own. `read` may run several times.
    ///
    /// # Errors
    /// Those of `read`, and of the store.
    pub async fn read<T, F>(&self, read: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Root) -> BoxFuture<'a, Result<T, Fault>> + Send + Sync + 'static,
    {
        let read = Arc::new(read);
        let result = self.engine.run(Effect::Reads, move |root| {
            let read = read.clone();
            Box::pin(async move { Ok(read(root).await) })
        });
        result.await?
    }
}

impl Ground for Process {
    type Call = RootCall;

    fn call(caller: Caller) -> Option<RootCall> {
        <Root as Ground>::call(caller)
    }
    fn open(_session: Box<dyn Session>, engine: &Arc<Engine>, call: &RootCall, _effect: Effect) -> Self {
        Process { engine: engine.clone(), services: call.services.clone() }
    }
    fn outside(engine: &Arc<Engine>, call: &RootCall) -> Option<Self> {
        Some(Process { engine: engine.clone(), services: call.services.clone() })
    }
    fn outcome(&self) -> Result<(), StoreError> {
        Ok(())
    }
    fn work(&self) -> Work {
        Work::default()
    }
    async fn settle(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
    fn tenant(_call: &RootCall) -> Option<TenantKey> {
        None
    }
    async fn refusal(&mut self, _call: &RootCall, _people: &People<'_>, refused: Fault) -> Fault {
        refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_found_by_its_type() {
        let services = Services::default().with(Arc::new(7_u8)).with("words");
        assert_eq!(services.get::<Arc<u8>>().as_deref(), Some(&7));
        assert_eq!(services.get::<&'static str>(), Some("words"));
        assert_eq!(services.get::<u8>(), None);
    }
}
