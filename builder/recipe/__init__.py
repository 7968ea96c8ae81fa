"""Recipes: what a recipe may say, how it is read and checked, and its pre-query template."""
