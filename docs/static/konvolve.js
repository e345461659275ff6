// Tables that scroll can be reached and scrolled with the keyboard.
document.querySelectorAll(".bd-article table").forEach((table) => { table.tabIndex = 0; });
