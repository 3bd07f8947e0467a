//! The syntax tree of a body, before names and types are looked at.

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TypeName {
    /// Its name, with dots.
    pub(crate) name: String,
    /// `<…>`; empty for the diamond.
    pub(crate) arguments: Option<Vec<TypeName>>,
    /// `[]`
    pub(crate) dimensions: usize,
}

/// An operator of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    ShiftLeft,
    ShiftRight,
    ShiftRightUnsigned,
    And,
    Or,
    Xor,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    LogicalAnd,
    LogicalOr,
}

impl Operator {
    /// As written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Remainder => "%",
            Operator::ShiftLeft => "<<",
            Operator::ShiftRight => ">>",
            Operator::ShiftRightUnsigned => ">>>",
            Operator::And => "&",
            Operator::Or => "|",
            Operator::Xor => "^",
            Operator::Less => "<",
            Operator::LessEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterEqual => ">=",
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::LogicalAnd => "&&",
            Operator::LogicalOr => "||",
        }
    }
}

/// An operator of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prefix {
    Plus,
    Minus,
    Not,
    Complement,
}

/// An expression and its line.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) line: u32,
    /// Levels of expressions below it and itself.
    pub(crate) depth: u32,
}

impl ExprKind {
    /// The depth of an expression of this kind.
    pub(crate) fn depth(&self) -> u32 {
        let most = |all: &[Expr]| all.iter().map(|expr| expr.depth).max().unwrap_or(0);
        let inner = match self {
            ExprKind::Int(_)
            | ExprKind::Long(_)
            | ExprKind::Float(_)
            | ExprKind::Double(_)
            | ExprKind::Char(_)
            | ExprKind::Text(_)
            | ExprKind::Boolean(_)
            | ExprKind::Null
            | ExprKind::Name(_) => 0,
            ExprKind::Field(inner, _)
            | ExprKind::Prefix(_, inner)
            | ExprKind::Step { target: inner, .. }
            | ExprKind::Cast(_, inner)
            | ExprKind::InstanceOf(inner, _) => inner.depth,
            ExprKind::Call { receiver, arguments, .. } => {
                most(arguments).max(receiver.as_ref().map_or(0, |receiver| receiver.depth))
            }
            ExprKind::Index(a, b) | ExprKind::Binary(_, a, b) | ExprKind::Assign(_, a, b) => a.depth.max(b.depth),
            ExprKind::Conditional(a, b, c) => a.depth.max(b.depth).max(c.depth),
            ExprKind::New(_, all) | ExprKind::NewArray(_, all) | ExprKind::ArrayLiteral(_, all) => most(all),
        };
        inner + 1
    }
}

#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    Int(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    Char(u16),
    Text(Vec<u16>),
    Boolean(bool),
    Null,
    Name(String),
    Field(Box<Expr>, String),
    Call {
        receiver: Option<Box<Expr>>,
        name: String,
        arguments: Vec<Expr>,
    },
    Index(Box<Expr>, Box<Expr>),
    Prefix(Prefix, Box<Expr>),
    /// `++` and `--`: the step, and whether it stands in front.
    Step {
        by: i8,
        before: bool,
        target: Box<Expr>,
    },
    Binary(Operator, Box<Expr>, Box<Expr>),
    Assign(Option<Operator>, Box<Expr>, Box<Expr>),
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    Cast(TypeName, Box<Expr>),
    New(TypeName, Vec<Expr>),
    /// `new T[a][b][]`: the type of the whole array and the lengths given.
    NewArray(TypeName, Vec<Expr>),
    /// `{a, b}` with the type of the array if it is written.
    ArrayLiteral(Option<TypeName>, Vec<Expr>),
    InstanceOf(Box<Expr>, TypeName),
}

/// A statement and its line.
#[derive(Clone, Debug)]
pub(crate) struct Stmt {
    pub(crate) kind: StmtKind,
    pub(crate) line: u32,
}

#[derive(Clone, Debug)]
pub(crate) enum StmtKind {
    Empty,
    /// The type, and for each variable its name, more dimensions and its first value.
    Local(TypeName, Vec<(String, usize, Option<Expr>)>),
    Expr(Expr),
    Block(Vec<Stmt>),
    If(Expr, Box<Stmt>, Option<Box<Stmt>>),
    While(Expr, Box<Stmt>),
    DoWhile(Box<Stmt>, Expr),
    For {
        first: Vec<Stmt>,
        condition: Option<Expr>,
        update: Vec<Expr>,
        body: Box<Stmt>,
    },
    ForEach {
        ty: TypeName,
        name: String,
        of: Expr,
        body: Box<Stmt>,
    },
    Return(Option<Expr>),
    Throw(Expr),
    Break,
    Continue,
    /// For each group its labels (None: `default`) and statements.
    Switch(Expr, Vec<(Vec<Option<Expr>>, Vec<Stmt>)>),
    /// The block, the catches (types, name, block), `finally`.
    Try(Vec<Stmt>, Vec<(Vec<TypeName>, String, Vec<Stmt>)>, Option<Vec<Stmt>>),
}
