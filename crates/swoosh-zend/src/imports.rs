//! Replaces functions of the C library in the import table of one loaded object: PHP itself, libcurl, libpq and others.
//! Their waits thereby suspend a coroutine although the library is written without coroutines.
//!
//! Invariant: entries are replaced during module startup only, before other threads exist, and never restored: the
//! extension's code stays loaded as long as the process.
//!
//! Source of the layout: ELF-64 object file format, "Dynamic Linking"; dl_iterate_phdr(3).

use std::ffi::{CStr, c_char, c_int, c_void};

/// A loaded object.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Object {
    /// The one that contains PHP's engine: the executable, or libphp.
    Php,
    /// The library whose file name starts with this text.
    Library(&'static str),
}

/// Makes `object` call `replacement` where it called the function `symbol` of another object. False if the object is not
/// loaded, does not import the function, or its table cannot be written.
///
/// # Safety
/// `replacement` is a function with the signature of `symbol` in C, and acts like it for callers in any thread. Called
/// during module startup.
pub(crate) unsafe fn replace(object: Object, symbol: &CStr, replacement: *const c_void) -> bool {
    let mut search = Search { object, symbol, replacement: replacement as usize, replaced: false };
    // SAFETY: the callback gets the pointer to `search`, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast::<c_void>()) };
    search.replaced
}

/// Whether the object is loaded.
pub(crate) fn is_loaded(object: Object) -> bool {
    let mut search = Presence { object, found: false };
    // SAFETY: the callback gets the pointer to `search`, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut search).cast::<c_void>()) };
    search.found
}

struct Presence {
    object: Object,
    found: bool,
}

unsafe extern "C" fn look(info: *mut libc::dl_phdr_info, _: usize, search: *mut c_void) -> c_int {
    // SAFETY: as in `visit`: a valid description of an object that stays loaded during the call, and the pointer that
    // `is_loaded` gave.
    let (info, search) = unsafe { (&*info, &mut *search.cast::<Presence>()) };
    // SAFETY: the loader's own description of the object's segments, which it has mapped.
    search.found |= unsafe { Loaded::new(info) }.is(search.object);
    c_int::from(search.found)
}

struct Search<'a> {
    object: Object,
    symbol: &'a CStr,
    replacement: usize,
    replaced: bool,
}

unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: usize, search: *mut c_void) -> c_int {
    // SAFETY: dl_iterate_phdr(3) passes a valid description of an object that stays loaded during the call, and the pointer
    // that `replace` gave it.
    let (info, search) = unsafe { (&*info, &mut *search.cast::<Search<'_>>()) };
    // SAFETY: the loader's own description of the object's segments, which it has mapped.
    let loaded = unsafe { Loaded::new(info) };
    if loaded.is(search.object)
        && let Some(table) = loaded.imports()
    {
        for slot in table.slots(search.symbol) {
            search.replaced |= loaded.write(slot, search.replacement);
        }
    }
    0
}

/// An object in memory.
struct Loaded<'a> {
    base: usize,
    name: &'a CStr,
    segments: &'a [libc::Elf64_Phdr],
}

impl<'a> Loaded<'a> {
    /// # Safety
    /// The loader has filled `info`, and the object stays loaded for `'a`.
    unsafe fn new(info: &'a libc::dl_phdr_info) -> Self {
        // SAFETY: name and program headers are valid while the object is loaded.
        unsafe {
            let name = if info.dlpi_name.is_null() { c"" } else { CStr::from_ptr(info.dlpi_name) };
            let segments = std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum));
            Loaded { base: info.dlpi_addr as usize, name, segments }
        }
    }

    fn is(&self, object: Object) -> bool {
        match object {
            Object::Php => {
                let of_engine = super::ffi::zend_call_function as *const () as usize;
                self.segments.iter().any(|segment| {
                    let start = self.base + segment.p_vaddr as usize;
                    segment.p_type == libc::PT_LOAD && (start..start + segment.p_memsz as usize).contains(&of_engine)
                })
            }
            Object::Library(prefix) => {
                let name = self.name.to_bytes();
                let file = name.rsplit(|&byte| byte == b'/').next().unwrap_or(name);
                file.starts_with(prefix.as_bytes())
            }
        }
    }

    fn segment(&self, kind: u32) -> Option<&libc::Elf64_Phdr> {
        self.segments.iter().find(|segment| segment.p_type == kind)
    }

    /// The tables of the dynamic section.
    fn imports(&self) -> Option<Imports> {
        let dynamic = self.segment(libc::PT_DYNAMIC)?;
        let mut found = Imports { base: self.base, ..Imports::default() };
        let mut at = (self.base + dynamic.p_vaddr as usize) as *const Dynamic;
        loop {
            // SAFETY: the dynamic section is an array of entries in mapped memory that a DT_NULL entry ends.
            let entry = unsafe { at.read() };
            // The loader has relocated the addresses in some implementations only.
            let address = if entry.value < self.base { self.base + entry.value } else { entry.value };
            match entry.tag {
                DT_NULL => break,
                DT_SYMTAB => found.symbols = address,
                DT_STRTAB => found.names = address,
                DT_JMPREL => found.tables[0].0 = address,
                DT_PLTRELSZ => found.tables[0].1 = entry.value,
                DT_RELA => found.tables[1].0 = address,
                DT_RELASZ => found.tables[1].1 = entry.value,
                _ => {}
            }
            // SAFETY: the entry just read was not the last.
            at = unsafe { at.add(1) };
        }
        (found.symbols != 0 && found.names != 0).then_some(found)
    }

    /// Stores an address in a slot of the import table, which the loader may have made read-only.
    fn write(&self, slot: *mut usize, value: usize) -> bool {
        let protected = self.segment(libc::PT_GNU_RELRO).is_some_and(|segment| {
            let start = self.base + segment.p_vaddr as usize;
            (start..start + segment.p_memsz as usize).contains(&(slot as usize))
        });
        // SAFETY: sysconf(3) has no preconditions.
        let page_size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let page = (slot as usize & !(page_size - 1)) as *mut c_void;
        let protect = |flags| {
            // SAFETY: `page` is a whole page of the mapping that contains the slot; the flags keep it readable.
            !protected || unsafe { libc::mprotect(page, page_size, flags) } == 0
        };
        if !protect(libc::PROT_READ | libc::PROT_WRITE) {
            return false;
        }
        // SAFETY: the slot is an aligned word of the object's import table, and its page is writable now. No other thread
        // runs during module startup.
        unsafe { slot.write(value) };
        protect(libc::PROT_READ);
        true
    }
}

#[derive(Default)]
struct Imports {
    base: usize,
    symbols: usize,
    names: usize,
    /// Address and size in bytes of the relocations of functions and of all others.
    tables: [(usize, usize); 2],
}

impl Imports {
    /// The slots that hold the address of a function.
    fn slots(&self, symbol: &CStr) -> Vec<*mut usize> {
        let mut slots = Vec::new();
        for &(address, size) in &self.tables {
            if address == 0 {
                continue;
            }
            // SAFETY: the dynamic section gives the table's address and size in bytes.
            let table =
                unsafe { std::slice::from_raw_parts(address as *const Relocation, size / size_of::<Relocation>()) };
            for relocation in table {
                let kind = relocation.info as u32;
                if (kind == JUMP_SLOT || kind == GLOBAL_DATA) && self.name(relocation.info >> 32) == Some(symbol) {
                    slots.push((self.base + relocation.offset) as *mut usize);
                }
            }
        }
        slots
    }

    fn name(&self, index: u64) -> Option<&CStr> {
        if index == 0 {
            return None;
        }
        // SAFETY: a relocation's symbol number is an index of the symbol table, whose entries refer to zero-terminated texts
        // of the string table.
        unsafe {
            let symbol = (self.symbols as *const libc::Elf64_Sym).add(index as usize);
            Some(CStr::from_ptr((self.names as *const c_char).add((*symbol).st_name as usize)))
        }
    }
}

#[repr(C)]
struct Dynamic {
    tag: i64,
    value: usize,
}

#[repr(C)]
struct Relocation {
    offset: usize,
    info: u64,
    addend: i64,
}

const DT_NULL: i64 = 0;
const DT_PLTRELSZ: i64 = 2;
const DT_STRTAB: i64 = 5;
const DT_SYMTAB: i64 = 6;
const DT_RELA: i64 = 7;
const DT_RELASZ: i64 = 8;
const DT_JMPREL: i64 = 23;

/// R_X86_64_JUMP_SLOT and R_AARCH64_JUMP_SLOT.
const JUMP_SLOT: u32 = if cfg!(target_arch = "aarch64") { 1026 } else { 7 };
/// R_X86_64_GLOB_DAT and R_AARCH64_GLOB_DAT.
const GLOBAL_DATA: u32 = if cfg!(target_arch = "aarch64") { 1025 } else { 6 };

/// The address of a function of any loaded library; null if there is none.
pub(crate) fn find(symbol: &CStr) -> *mut c_void {
    // SAFETY: dlsym(3) with a C string; RTLD_DEFAULT searches all libraries whose symbols are global, as those of PHP's
    // extensions and of the libraries that they need are.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, symbol.as_ptr()) }
}
