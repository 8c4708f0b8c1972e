"""SQL: one file per table family, rows mapped to frozen values. Single use is one conditional statement each."""
